import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NameTable } from '../../lib/rules/name-table'

describe('a table of names', () => {
  it('finds what a Map of lists finds, for all names and for others', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'ä'), maxLength: 4 })
    fc.assert(
      fc.property(fc.array(name, { maxLength: 200 }), fc.array(name), (names, others) => {
        const table = new NameTable<number>(names.length)
        const map = new Map<string, number[]>()
        for (const [item, each] of names.entries()) {
          table.add(each, item)
          map.set(each, [...(map.get(each) ?? []), item])
        }
        for (const each of [...names, ...others]) assert.deepEqual(table.find(each), map.get(each) ?? [])
        assert.equal(table.isEmpty, names.length === 0)
      }),
    )
  })

  it('keeps names with the same hash apart', () => {
    // FNV-1a of 32 bits is the same for both.
    const [first, second] = ['costarring', 'liquid']
    const table = new NameTable<number>(2)
    table.add(first, 1)
    assert.deepEqual(table.find(second), [])
    table.add(second, 2)
    assert.deepEqual([table.find(first), table.find(second)], [[1], [2]])
  })

  it('finds the end of a text', () => {
    const table = new NameTable<string>(1)
    table.add('example.com', 'suffix')
    assert.deepEqual(table.find('mail.example.com', 'mail.'.length), ['suffix'])
    assert.deepEqual(table.find('mail.example.com'), [])
  })

  it('finds each of very many names', () => {
    const table = new NameTable<number>(50_000)
    for (let n = 0; n < 50_000; n++) table.add(`d${n}.example`, n)
    for (let n = 0; n < 50_000; n++) assert.deepEqual(table.find(`d${n}.example`), [n])
    assert.deepEqual(table.find('d50000.example'), [])
  })
})
