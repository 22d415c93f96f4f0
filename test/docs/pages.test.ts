import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'
import { PAGES, readPage, type Page } from './document'

// What a reader needs of every page: it fits the screen, and its links lead somewhere.

const LANGUAGES = ['ini', 'console', 'log', 'sh', 'js', 'yaml', '']
const SHORTEST = { lines: 150, columns: 120 }
const WIDEST = 140

/** The lines of a page outside its blocks. */
function prose({ lines, blocks }: Page): readonly string[] {
  return lines.filter(
    (_, index) =>
      !blocks.some(({ line, text }) => index >= line - 1 && index <= line + text.split('\n').length),
  )
}

/** The name that a heading has as the goal of a link, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (page: Page) =>
  prose(page).flatMap((line) => {
    const heading = /^#+ (.*)$/.exec(line)?.[1]
    return heading === undefined ? [] : [anchorOf(heading)]
  })

const linksOf = (page: Page) =>
  prose(page).flatMap((line) => [...line.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!))

for (const path of PAGES) {
  describe(path, () => {
    const page = readPage(path)

    it('has only known kinds of blocks', () => {
      for (const { language, line } of page.blocks) {
        assert.ok(LANGUAGES.includes(language), `${path}:${line}: ${language}`)
      }
    })

    it('has no line that is too long', () => {
      const widest = path === 'README.md' ? SHORTEST.columns : WIDEST
      const long = path === 'README.md' ? page.lines : prose(page)
      assert.deepEqual(
        long.filter((line) => line.length > widest),
        [],
      )
    })

    it('has no broken link', () => {
      for (const link of linksOf(page).filter((each) => !each.startsWith('https://'))) {
        const [file, anchor] = link.split('#') as [string, string?]
        const goal = file === '' ? path : normalize(join(dirname(path), file))
        assert.ok(existsSync(goal), `${link}: no such file`)
        if (anchor !== undefined)
          assert.ok(anchorsOf(readPage(goal)).includes(anchor), `${link}: no such heading`)
      }
    })
  })
}

describe('README.md', () => {
  const page = readPage('README.md')

  it('is short', () => assert.ok(page.lines.length <= SHORTEST.lines))

  it('links only to files of the package', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] }
    for (const link of linksOf(page).filter((each) => !each.startsWith('https://'))) {
      assert.ok(
        files.some((file) => link === file || link.startsWith(`${file}/`)),
        link,
      )
    }
  })
})

describe('CONTRIBUTING.md', () => {
  const text = prose(readPage('CONTRIBUTING.md')).join('\n')

  it('names only files that exist', () => {
    const paths = [...text.matchAll(/`((?:lib|test|config|docs|\.ci)\/[\w./-]+)`/g)].map(([, path]) => path!)
    assert.ok(paths.length > 20)
    // NAME stands for a name of the reader's own.
    for (const path of paths.filter((each) => !each.includes('NAME'))) assert.ok(existsSync(path), path)
  })

  it('uses only names of files that exist', () => {
    const known = new Set(
      ['lib', 'test'].flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => basename(path)),
      ),
    )
    const names = [...text.matchAll(/`([\w-]+(?:\.test)?\.ts)`/g)].map(([, name]) => name!)
    assert.ok(names.length > 20)
    for (const name of names.filter((each) => !each.includes('NAME') && !existsSync(each)))
      assert.ok(known.has(name), name)
  })

  it('has a row for each room of lib', () => {
    const rows = [...text.matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, room]) => room!)
    for (const room of readdirSync('lib')) assert.ok(rows.includes(room), room)
  })
})
