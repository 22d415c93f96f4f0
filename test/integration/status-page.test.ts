import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBrowser } from '../support/browser'
import { needs } from '../support/programs'
import { startScripted } from '../support/smtp-scripted'
import { startSink } from '../support/smtp-sink'
import { fetchUntil, startWithHttp } from '../support/status-server'

// The status page in a real browser, on a real Haraka with mail flowing.

const PASSWORD = 'Tr0ub4dor&3'
const HOSTILE = '<img src=x onerror=document.title="owned">"\'&'
/** Where screenshots go; empty: none are made. */
const SHOTS = process.env.STATUS_SCREENSHOTS ?? ''

for (const nodes of [0, 3]) {
  const who = nodes === 0 ? 'one process' : 'three workers'
  test(
    `${who}: figures change, the form explains, a story is followed`,
    { skip: needs('chromium') },
    async (t) => {
      const sink = await startSink()
      t.after(() => sink.close())
      const hostile = await startScripted({
        script: (said) => (said === 'RCPT' ? `450 4.7.1 ${HOSTILE}` : undefined),
      })
      t.after(() => hostile.close())
      const { haraka, root } = await startWithHttp({
        nodes,
        outbound: ['temp_fail_intervals=1h', 'local_mx_ok=true'],
        overrides: [
          'example.com @isp $end',
          `hostile.example 127.0.0.1:${hostile.port} $end`,
          `never.example fred:${PASSWORD}@127.0.0.1:1 $end`,
          'down.example @backup $end',
          '[relay:isp]',
          `host = 127.0.0.1`,
          `port = ${sink.port}`,
          'max_per_hour = 100',
          '[relay:backup]',
          'host = 127.0.0.1',
          'port = 1',
        ].join('\n'),
      })
      t.after(() => haraka.close())
      const page = await (await startBrowser(t)).newPage({ viewport: { width: 1600, height: 1000 } })
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.goto(`${root}/`)
      assert.match(await page.title(), /^dns-overrides on /)
      await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
      await haraka.send({ from: `"${HOSTILE.replaceAll('"', '')}"@here.example`, to: 'c@hostile.example' })
      await haraka.send({ from: 'a@here.example', to: 'd@down.example' })

      // The page refreshes by itself.
      await page.getByRole('row', { name: /b@example\.com.*delivered/ }).waitFor({ timeout: 30_000 })
      await page
        .getByRole('row', { name: /c@hostile\.example.*not delivered.*450/ })
        .waitFor({ timeout: 30_000 })
      await page.getByRole('row', { name: /@backup.*left out/ }).waitFor({ timeout: 30_000 })
      await page.getByRole('row', { name: /never\.example.*never/ }).waitFor()
      assert.ok((await page.content()).includes('&lt;img src=x onerror='), 'what strangers write is text')
      assert.equal(await page.locator('img').count(), 0)

      await page.getByLabel('Recipient or domain').fill('someone@example.com')
      await page.getByRole('button', { name: 'Explain' }).click()
      assert.match(await page.locator('#explain pre').innerText(), /Would be sent by line 1[\s\S]*@isp/)

      await page.getByRole('link', { name: 'c@hostile.example' }).click()
      const story = page.getByRole('region', { name: /^Story of/ })
      assert.match(
        await story.innerText(),
        /not delivered[\s\S]*line 2[\s\S]*failed at rcpt: 450 4\.7\.1 <img/,
      )
      assert.ok(!(await page.content()).includes(PASSWORD), 'no password')
      assert.match(await page.title(), /^dns-overrides on /, 'no script of a stranger has run')
      assert.deepEqual(errors, [])

      for (const width of [375, 1600]) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.emulateMedia({ colorScheme })
          const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          assert.ok(Number(wider) <= 0, `nothing sticks out at ${width} pixels`)
          if (SHOTS === '') continue
          mkdirSync(SHOTS, { recursive: true })
          await page.screenshot({ path: join(SHOTS, `${nodes}-${width}-${colorScheme}.png`), fullPage: true })
        }
      }
    },
  )
}

test('the page is whole without script, and shows no password and no secret file', async (t) => {
  const { haraka, root } = await startWithHttp({
    overrides: [
      `* fred:${PASSWORD}@127.0.0.1:1`,
      '[relay:isp]',
      'host = 127.0.0.1',
      'user = fred',
      `password = ${PASSWORD}2`,
      'allow_plaintext_auth = true',
    ].join('\n'),
  })
  t.after(() => haraka.close())
  await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
  const text = await fetchUntil(`${root}/?to=b@example.com&lines=busiest`, (page) =>
    page.includes('not delivered'),
  )
  assert.match(text, /Would (be sent|wait)/)
  for (const path of ['/', '/?to=b@example.com', '/?lines=never', '/metrics', '/health']) {
    const body = await (await fetch(`${root}${path}`)).text()
    assert.ok(!body.includes('Tr0ub4dor'), path)
  }
  const response = await fetch(`${root}/`)
  await response.text()
  assert.match(
    response.headers.get('content-security-policy') ?? '',
    /^default-src 'none'; style-src 'sha256-[^;]+; script-src 'sha256-/,
  )
  assert.equal((text.match(/<script/g) ?? []).length, 1)
  assert.doesNotMatch(text, / on[a-z]+=| style=/, 'neither handlers nor styles in attributes')
})
