import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Locator } from 'playwright-core'
import { startBrowser } from '../support/browser'
import { runProcess } from '../support/cli'
import { needs } from '../support/programs'
import { startScripted } from '../support/smtp-scripted'
import { startSink } from '../support/smtp-sink'
import { fetchUntil, startWithHttp } from '../support/status-server'

// The status page in a real browser, on a real Haraka with mail flowing.

const PASSWORD = 'Tr0ub4dor&3'
const HOSTILE = '<img src=x onerror=document.title="owned">"\'&'
/** Where screenshots go; empty: none are made. */
const SHOTS = process.env.STATUS_SCREENSHOTS ?? ''

/** Presses a button or follows a link by the keyboard. A click may miss: sections above may grow when they are refreshed. */
const activate = (control: Locator) => control.press('Enter')

for (const nodes of [0, 3]) {
  const who = nodes === 0 ? 'one process' : 'three workers'
  test(
    `${who}: figures change, the form explains, and a message can be followed`,
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
          'held.example @held $end',
          'full.example @full $end',
          '[relay:isp]',
          `host = 127.0.0.1`,
          `port = ${sink.port}`,
          'max_per_hour = 100',
          '[relay:backup]',
          'host = 127.0.0.1',
          'port = 1',
          '[relay:held]',
          'host = 127.0.0.1',
          `port = ${sink.port}`,
          '[relay:full]',
          'host = 127.0.0.1',
          `port = ${sink.port}`,
          'max_per_hour = 1',
        ].join('\n'),
      })
      t.after(() => haraka.close())
      const page = await (await startBrowser(t)).newPage({ viewport: { width: 1600, height: 1000 } })
      page.setDefaultTimeout(120_000)
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
      await runProcess(['relays', '--hold', 'held', '--reason', 'maintenance <img src=x>'], {
        cwd: haraka.folder,
      })
      for (const to of ['e@held.example', 'f@full.example', 'g@full.example'])
        await haraka.send({ from: 'a@here.example', to })

      // The page refreshes by itself.
      await page.getByRole('row', { name: /b@example\.com.*delivered/ }).waitFor()
      await page.getByRole('row', { name: /c@hostile\.example.*not delivered: .*450/ }).waitFor()
      await page.getByRole('row', { name: /@backup.*left out/ }).waitFor()
      await page.getByRole('row', { name: /never\.example.*never/ }).waitFor()
      const recent = page.locator('#recent')
      await recent.getByRole('row', { name: /e@held\.example.*held: relay held is held/ }).waitFor()
      await recent
        .getByRole('row', { name: /[fg]@full\.example.*waiting: .*max_per_hour/ })
        .first()
        .waitFor()
      const counted = page.locator('#decisions').getByRole('row', { name: /^override lines/ })
      assert.match(await counted.innerText(), /^override lines\s+4\s+0\s+0\s+1\s+[1-9]$/)
      const metrics = await fetchUntil(`${root}/metrics`, (text) => text.includes('action="hold"'))
      for (const [action, count] of [
        ['try', '4'],
        ['hold', '1'],
        // One that waits for its hour is looked at again when another has left its place.
        ['wait', '[1-9]'],
      ]) {
        const sample = `decisions_total\\{source="overrides",action="${action}"\\} ${count}\n`
        assert.match(metrics, new RegExp(sample))
      }
      await page.getByText(/Hits in \d workers? since 20/).waitFor()

      // Name, server, state, connections, last hour, and what waits.
      await page.getByRole('row', { name: /@held.*held by hand since.*maintenance.* 1$/ }).waitFor()
      assert.ok(metrics.includes('relay_waiting{relay="held"} 1\n'), metrics)
      const { out: relays } = await runProcess(['relays'], { cwd: haraka.folder })
      assert.match(relays, /held by hand since .*: maintenance[^@]*1 message waiting/)

      await recent.getByLabel('Result').selectOption('held')
      await activate(recent.getByRole('button', { name: 'Show' }))
      await page.waitForURL(/result=held/)
      assert.match(await recent.getByRole('table').innerText(), /1 to 1 of 1 decision, among the last [6-9]/)
      assert.equal(await recent.getByLabel('Result').inputValue(), 'held')
      await recent.getByLabel('Recipient domain contains').fill('FULL.')
      await recent.getByLabel('Result').selectOption('any')
      await recent.getByLabel('Decided by').selectOption('override lines')
      await activate(recent.getByRole('button', { name: 'Show' }))
      await page.waitForURL(/by=overrides/)
      const full = await recent.getByRole('link', { name: /@full\.example/ }).count()
      assert.ok(full >= 2)
      assert.equal(await recent.getByRole('link', { name: /@/ }).count(), full)
      await activate(recent.getByRole('link', { name: 'All decisions' }))
      await recent.getByRole('link', { name: 'b@example.com' }).waitFor()
      assert.ok((await page.content()).includes('&lt;img src=x onerror='), 'what strangers write is text')
      assert.equal(await page.locator('img').count(), 0)

      await page.getByLabel('Recipient or domain').fill('someone@example.com')
      await activate(page.getByRole('button', { name: 'Explain' }))
      assert.match(await page.locator('#explain pre').innerText(), /Would be sent by line 1[\s\S]*@isp/)
      await page.getByLabel('Time in the queue').fill('4h')
      await page.getByLabel('Last reply').fill('450 later')
      await activate(page.getByRole('button', { name: 'Explain' }))
      await page.waitForURL(/450/)
      assert.match(await page.locator('#explain pre').innerText(), /queued for 4h, refused with "450 later"/)

      await activate(page.locator('#recent').getByRole('link', { name: 'c@hostile.example' }))
      const story = await page.getByRole('region', { name: /^Story of/ }).innerText()
      assert.match(story, /Haraka tries it again at .* in (1h|59m)/)
      assert.match(story, /line 2\s+127\.0\.0\.1:\d+\s+no\s+failed at rcpt 450 4\.7\.1 <img/)
      assert.match(story, /By the rules as they are now[\s\S]*If no server accepts it[\s\S]*bounces/)
      const queued = page.getByRole('region', { name: 'Queue' })
      await queued.getByRole('row', { name: /d@down\.example.*connect.*Haraka tries it again/ }).waitFor()

      // What was delivered is known from the running server, and found by its recipient.
      await page.getByLabel('Id, file of the queue, or recipient').fill('B@example.com')
      await activate(page.getByRole('button', { name: 'Find' }))
      await page.waitForURL(/id=B/)
      assert.match(
        await page.getByRole('region', { name: /^Story of/ }).innerText(),
        /Delivered at [\s\S]*relay isp\s+no\s+delivered/,
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

test('text of a request is shown as text', { skip: needs('chromium') }, async (t) => {
  const { haraka, root } = await startWithHttp({ overrides: 'example.com 127.0.0.1:1 $end\n' })
  t.after(() => haraka.close())
  const page = await (await startBrowser(t)).newPage()
  page.setDefaultTimeout(120_000)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  const payloads = [
    '"><script>document.title="owned"</script>',
    '</pre></section><img src=x onerror=document.title="owned">@x.example',
    "x' onfocus=document.title='owned' autofocus='",
    'x@<svg onload=document.title="owned">.example',
  ]
  for (const payload of payloads) {
    const query = new URLSearchParams({
      to: payload,
      sender: payload,
      auth: payload,
      id: payload,
      lines: payload,
      domain: payload,
      by: payload,
      result: payload,
    })
    await page.goto(`${root}/?${query}`)
    assert.match(await page.title(), /^dns-overrides on /, payload)
    assert.equal(await page.locator('script').count(), 1, payload)
    assert.equal(
      await page.locator('img, section section, svg[onload], [onfocus], [autofocus]').count(),
      0,
      payload,
    )
    assert.equal(await page.getByLabel('Sender').inputValue(), payload)
  }
  assert.deepEqual(errors, [])
})

test('the page can be used by keyboard and screen reader', { skip: needs('chromium') }, async (t) => {
  const { haraka, root } = await startWithHttp({
    overrides: 'example.com @isp $end\n[relay:isp]\nhost=127.0.0.1\nport=1\n',
  })
  t.after(() => haraka.close())
  await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
  await fetchUntil(`${root}/`, (text) => text.includes('not delivered'))
  const page = await (await startBrowser(t)).newPage()
  page.setDefaultTimeout(120_000)
  await page.goto(`${root}/`)
  for (const role of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
    assert.equal(await page.getByRole(role).count(), 1, role)
  }
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)

  // Every link of the navigation leads to a section with a name of its own.
  const sections = page.locator('main > section')
  const names: string[] = []
  for (const section of await sections.all()) {
    const labelled = (await section.getAttribute('aria-labelledby')) ?? ''
    const heading = page.locator(`h2[id="${labelled}"]`)
    assert.equal(await heading.count(), 1, labelled)
    names.push(await heading.innerText())
  }
  assert.equal(new Set(names).size, names.length)
  for (const link of await page.getByRole('navigation').getByRole('link').all()) {
    const target = (await link.getAttribute('href')) ?? ''
    assert.equal(await page.locator(`section${target}`).count(), 1, target)
  }

  for (const width of [1600, 375]) {
    await page.setViewportSize({ width, height: 900 })
    for (const table of await page.getByRole('table').all()) {
      const caption = await table.locator('caption').innerText()
      assert.notEqual(caption, '')
      const heads = await table.locator('th').count()
      assert.equal(await table.getByRole('columnheader').count(), heads, caption)
      assert.equal(await table.locator('th[scope=col]').count(), heads, caption)
      for (const row of await table.locator('tbody tr').all()) {
        assert.equal(await row.getByRole('cell').count(), heads, `${caption} at ${width} pixels`)
      }
    }
  }
  assert.equal(await page.locator('label > input').count(), await page.locator('input').count())

  // The first stop of the keyboard leads to the content; what has the focus can be seen.
  await page.keyboard.press('Tab')
  assert.equal(await page.locator(':focus').innerText(), 'To the content')
  assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid')
  await page.keyboard.press('Enter')
  assert.match(page.url(), /#state$/)
  await page.getByLabel('Recipient or domain').fill('b@example.com')
  await page.keyboard.press('Enter')
  await page.getByText(/Would be sent by line 1/).waitFor()
})

test('the page is complete without scripts, and shows no password or secret file', async (t) => {
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
