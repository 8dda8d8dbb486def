/** All group sources of a groups.conf: its own sections, those of `confdir`, and the YAML files of `autodir`. */
import { readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { broken, parseConf, type Section, splitWords, substitute } from '../../src/config/configparser.ts'
import { readText } from '../../src/config/read-text.ts'
import { parseYaml } from '../../src/config/yaml-source.ts'
import type { Runner } from '../upcall/command.ts'
import { type GroupSource, remembering, type Words, wordsOf } from '../upcall/source.ts'

export interface Sources {
  /** By name, in the order in which they were found. */
  readonly all: ReadonlyMap<string, GroupSource>
  /** The name of the default one; `undefined` when there is none at all. */
  readonly default: string | undefined
}

export interface SourcesOptions {
  readonly path: string
  /** The runner of commands in a folder. */
  runner(folder: string): Runner
}

/** Reads the files. Throws `CONFIG` with file and line. */
export const readSources = async ({ path, runner }: SourcesOptions, io: Abortable): Promise<Sources> => {
  const folder = dirname(resolve(path))
  const sections = parseConf(await readText(path, io), path)
  const main = sections.find(section => section.name === MAIN)
  const all = new Map<string, GroupSource>()
  const add = (name: string, source: GroupSource, file: string, line?: number) => {
    if (all.has(name)) throw broken(file, line, `group source ${shown(name)} is defined twice`)
    all.set(name, remembering(source))
  }
  const addSections = (list: readonly Section[], file: string, cfgdir: string) => {
    for (const section of list)
      for (const name of section.name.split(','))
        if (name !== MAIN) add(name, upcalls(section, { name, cfgdir, file, runner }), file, section.line)
  }
  const directories = (key: string) => foldersOf(main?.values.get(key), folder)

  // As ClusterShell does: $CFGDIR in a file of confdir is that folder, not the one of groups.conf.
  for (const confdir of directories(main?.values.has('groupsdir') ? 'groupsdir' : 'confdir'))
    for (const file of await filesIn(confdir, '.conf', path)) {
      const text = await readIfAllowed(file, io)
      if (text !== undefined) addSections(parseConf(text, file), file, confdir)
    }
  for (const autodir of directories('autodir'))
    for (const file of await filesIn(autodir, '.yaml', path)) {
      const text = await readIfAllowed(file, io)
      if (text !== undefined) for (const [name, source] of yamlSources(text, file)) add(name, source, file)
    }
  addSections(sections, path, folder)

  const preferred = main?.values.get('default') || undefined
  if (preferred !== undefined && !all.has(preferred))
    throw broken(
      path,
      main?.line,
      `the default group source ${shown(preferred)} is not defined (there is: ${[...all.keys()].join(', ')})`,
    )
  return { all, default: preferred ?? [...all.keys()][0] }
}

const MAIN = 'Main'

const foldersOf = (value: string | undefined, cfgdir: string): ReadonlySet<string> =>
  new Set(splitWords(value ?? '').map(word => resolve(substitute(word, { CFGDIR: cfgdir }))))

const filesIn = async (folder: string, ending: string, conf: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder)
    return names
      .filter(name => name.endsWith(ending) && !name.startsWith('.'))
      .sort()
      .map(name => join(folder, name))
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code === 'ENOENT') return [] // the shipped configuration names folders which need not be there
    throw broken(conf, undefined, `cannot list ${folder}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/** Sources of a file which only some may read do not exist for the others, as with ClusterShell. */
const readIfAllowed = async (file: string, io: Abortable): Promise<string | undefined> => {
  try {
    return await readText(file, io)
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined
    if (cause instanceof Error && 'code' in cause && cause.code === 'EACCES') return undefined
    throw thrown
  }
}

interface Place {
  readonly name: string
  readonly cfgdir: string
  readonly file: string
  runner(folder: string): Runner
}

// Characters which mean nothing to a shell, quoted or not, nor to the regular expression or the path they may land in.
const INERT = /^[\p{L}\p{N}_:=+%@][\p{L}\p{N}_.:=+%@-]*$/u

/**
 * The commands of a section. ClusterShell pastes the group's name into the text, and the shipped configuration relies on it
 * (`'s/^$GROUP:...'`, in single quotes). So do we, with names of harmless characters only: others are unknown here.
 */
const upcalls = ({ values, line }: Section, { name, cfgdir, file, runner }: Place): GroupSource => {
  const commands = runner(cfgdir)
  const ask = async (command: string, what: string, variables: Readonly<Record<string, string>>, io: Abortable) => {
    if (Object.values(variables).some(value => !INERT.test(value) || value.includes('..'))) return []
    return wordsOf(
      await commands.run(substitute(command, { CFGDIR: cfgdir, SOURCE: name, ...variables }), {}, what, io),
    )
  }
  const [map, all, list, reverse] = ['map', 'all', 'list', 'reverse'].map(key => values.get(key) || undefined)
  if (map === undefined) throw broken(file, line, `group source ${shown(name)} has no map`)
  return {
    map: (group, io) => ask(map, `map of ${name}, group ${group}`, { GROUP: group }, io),
    ...(all && { all: io => ask(all, `all of ${name}`, {}, io) }),
    ...(list && { list: io => ask(list, `list of ${name}`, {}, io) }),
    ...(reverse && { reverse: (node, io) => ask(reverse, `reverse of ${name}, node ${node}`, { NODE: node }, io) }),
  }
}

function* yamlSources(text: string, file: string): Generator<readonly [string, GroupSource]> {
  const yaml = parseYaml(text, file)
  if (!isMapping(yaml.value)) throw yaml.error([], 'expected group sources with their groups')
  for (const [name, groups] of Object.entries(yaml.value)) {
    if (!isMapping(groups)) throw yaml.error([name], 'expected groups, each with its nodes')
    const known = new Map<string, Words>()
    for (const [group, nodes] of Object.entries(groups)) {
      const texts = [nodes ?? ''].flat()
      if (!texts.every(one => typeof one === 'string' || typeof one === 'number'))
        throw yaml.error([name, group], 'expected a node set as text, or a list of them')
      known.set(
        group,
        texts.flatMap(one => wordsOf(String(one))),
      )
    }
    yield [name, yamlSource(known)]
  }
}

const yamlSource = (groups: ReadonlyMap<string, Words>): GroupSource => {
  const all = groups.get('all')
  return {
    map: async group => groups.get(group) ?? [],
    list: async () => [...groups.keys()],
    ...(all && { all: async () => all }),
  }
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The source of that name; throws `CONFIG` naming those which there are. */
export const sourceNamed = ({ all, default: preferred }: Sources, wanted: string | undefined, path: string) => {
  const name = wanted ?? preferred
  const source = name === undefined ? undefined : all.get(name)
  if (name !== undefined && source) return { name, source }
  const known = [...all.keys()].join(', ')
  const what = name === undefined ? 'defines no group source' : `has no group source ${shown(name)}; there is: ${known}`
  throw new StokerError('CONFIG', 'source', `${path} ${what}`)
}
