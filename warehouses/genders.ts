/** The `genders` warehouse: nodes and their attributes in a genders(5) file; each attribute is a group. */

import { StokerError } from '../src/base/errors.ts'
import { fileChanges } from '../src/base/file-changes.ts'
import { homeFolder } from '../src/base/folders.ts'
import { shown } from '../src/base/names.ts'
import { readText } from '../src/config/read-text.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseContext } from '../src/inventory/warehouse.ts'
import { MAX_NAMES } from '../src/nodeset/syntax/limits.ts'
import { countPattern, expandPattern, parsePattern } from '../src/nodeset/syntax/pattern.ts'
import { listIn } from './common/gather.ts'
import { type RowMember, type Table, tableWarehouse } from './common/table.ts'

const schema = mapping({ path: text.default('/etc/genders') })

/** Groups are the attributes, as `name` and as `name=value`; they are the nodes' vars, too, `true` where there is no value. */
export const genders = (options: Readonly<Record<string, unknown>>, { name, folder }: WarehouseContext): Warehouse => {
  const path = resolvePath(parseOptions(schema, options).path, folder, homeFolder())
  const table = tableWarehouse({ name, load: async io => parseGenders(await readText(path, io), path) })
  return { ...table, changes: io => fileChanges([path], io) }
}

/**
 * Lines of `node[1-4],other attribute,attribute=value`. `%n` in a value is the node's name, `%%` a per cent sign; what
 * follows `#` is a comment. A node may be on many lines. Throws `CONFIG` with file and line where genders(5) has rules.
 */
export const parseGenders = (text: string, file: string): Table => {
  const nodes = new Map<string, Map<string, string | true>>()
  const groups = new Map<string, RowMember[]>()
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const broken = (what: string) => new StokerError('CONFIG', file, `${file}:${i + 1}: ${what}`)
    const [names = '', list, ...rest] = line.replace(/#.*/s, '').trim().split(/\s+/)
    if (names === '') continue
    if (rest.length > 0) throw broken(`there is a blank in the attributes, before ${shown(rest[0] ?? '')}`)
    const attributes = list === undefined ? [] : list.split(',').map(one => parseAttribute(one, broken))
    for (const node of expanded(names, broken)) {
      const known = nodes.get(node) ?? new Map<string, string | true>()
      nodes.set(node, known)
      for (const { name, value: template } of attributes) {
        if (known.has(name)) throw broken(`node ${shown(node)} has the attribute ${shown(name)} already`)
        const value = template?.replaceAll(/%([n%])/g, (_, letter) => (letter === 'n' ? node : '%')) ?? true
        known.set(name, value)
        listIn(groups, name).push({ kind: 'node', name: node })
        if (value !== true) listIn(groups, `${name}=${value}`).push({ kind: 'node', name: node })
      }
    }
  }
  const rows = [...nodes].map(([name, vars]) => ({ name, ...(vars.size > 0 && { vars: Object.fromEntries(vars) }) }))
  return { nodes: rows, groups }
}

type Broken = (what: string) => StokerError

const parseAttribute = (
  text: string,
  broken: Broken,
): { readonly name: string; readonly value: string | undefined } => {
  const [name = '', ...values] = text.split('=')
  if (name === '') throw broken('an attribute is empty')
  if (values.length === 0) return { name, value: undefined }
  const value = values.join('=')
  if (value === '') throw broken(`the attribute ${shown(name)} has no value after its =`)
  return { name, value }
}

/** The names of a list; commas between brackets belong to ranges. */
const expanded = (list: string, broken: Broken): readonly string[] =>
  [...list.matchAll(/(?:\[[^\]]*\]|[^,[]|\[)+/g)].flatMap(([word]) => {
    try {
      const pattern = parsePattern(word)
      if (countPattern(pattern) <= MAX_NAMES) return expandPattern(pattern)
    } catch (thrown) {
      throw broken(thrown instanceof Error ? thrown.message : String(thrown))
    }
    throw broken(`${shown(word)} stands for more than ${MAX_NAMES} names`)
  })
