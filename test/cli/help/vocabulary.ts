/** Both programs speak one language: the same option has the same name, the same value and the same words everywhere. */
import type { Command } from 'commander'
import t from 'tap'
import { type CommandNode, commandTree, type OptionNode } from '../../../src/cli/help/command-tree.ts'
import { newProgram } from '../../../src/cli/new-program.ts'
import { addAgent } from '../../../src/cli/pulley/agent.ts'
import { pulleyProgram } from '../../../src/cli/pulley/program.ts'
import { stokerProgram } from '../../../src/cli/stoker/program.ts'
import { parseWords } from '../../fixtures/program/parse-words.ts'

const io = { signal: new AbortController().signal }
const programs: readonly Command[] = [
  stokerProgram().program,
  pulleyProgram(io).program,
  newProgram('pulley-agent', 'make this machine a node', (program, setExitCode) =>
    addAgent({ program, setExitCode, io }),
  ).program,
]

interface Named<T> {
  /** `stoker runs list`. */
  readonly path: string
  readonly it: T
}

const commandsOf = (node: CommandNode, path: readonly string[] = []): readonly Named<CommandNode>[] => {
  const own = [...path, node.name]
  return [{ path: own.join(' '), it: node }, ...node.commands.flatMap(one => commandsOf(one, own))]
}
const commands = programs.flatMap(program => commandsOf(commandTree(program)))
const options = commands.flatMap(({ path, it }) =>
  it.options.map((option): Named<OptionNode> => ({ path, it: option })),
)

/** What a command may be told to do. A new verb is welcome here, where it says something that none of these says. */
const VERBS =
  /^(act|apply|bind|calculate|cancel|check|configure|create|halt|hand|install|list|make|manage|poll|prepare|print|publish|remove|render|repeat|revoke|run|send|serve|set|show|start)\b/

t.test('every command and every argument says what it is, a command with a verb', async t => {
  t.ok(commands.length > 50, 'all of them are looked at')
  for (const { path, it } of commands) {
    t.match(it.description, VERBS, path)
    t.notMatch(it.description, /\.$/, path)
    for (const argument of it.arguments) t.not(argument.description, '', `${path} <${argument.name}>`)
  }
})

t.test('every option is described, and its default is as a person would type it', async t => {
  t.ok(options.length > 150, 'all of them are looked at')
  for (const { path, it } of options) {
    const what = `${path} ${it.flags}`
    t.match(it.description, /^[a-z]/, what)
    t.notMatch(it.description, /default: (\[|true|false|"|\))/, what)
    t.notMatch(it.description, /\b\d{5,}\b|\d ?ms\b|millisecond/, what)
  }
})

/** A description without the remarks at its end, which belong to one command. */
const meaning = ({ summary }: OptionNode): string => summary.replace(/ \([^()]*\)$/, '')

t.test('an option of one name has one meaning, one value and one short name', async t => {
  const long = Map.groupBy(options, ({ it }) => it.words.find(word => word.startsWith('--')) ?? '')
  for (const [name, uses] of long) {
    const meanings = new Set(uses.map(({ it }) => `${it.flags}: ${meaning(it)}`))
    t.equal(meanings.size, 1, `${name}: ${[...meanings].join(' | ')}`)
  }
  const short = Map.groupBy(
    options.filter(({ it }) => it.words.length === 2),
    ({ it }) => it.words[0] ?? '',
  )
  for (const [name, uses] of short) {
    const names = new Set(uses.map(({ it }) => it.words[1]))
    t.equal(names.size, 1, `${name}: ${[...names].join(' | ')}`)
  }
})

t.test('two options which say the same are one', async t => {
  for (const [text, uses] of Map.groupBy(options, ({ it }) => meaning(it))) {
    const names = new Set(uses.map(({ it }) => it.words.at(-1)))
    t.equal(names.size, 1, `${text}: ${[...names].join(' | ')}`)
  }
})

t.test('what commander itself would add to a help is not there', async t => {
  const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)]
  for (const command of programs.flatMap(all))
    t.notMatch(command.helpInformation(), /default: \[|choices: |default: (true|false)|display help/, command.name())
})

t.test('options keep the names which they had before', async t => {
  for (const [words, name, value] of [
    ['stoker runs list --limit 3', 'last', 3],
    ['stoker lab -c 3', 'size', 3],
    ['stoker lab --count 3', 'size', 3],
    ['pulley actions list --limit 3', 'last', 3],
    ['pulley reports --limit 3', 'last', 3],
    ['pulley send x --to y --time-limit 90s', 'commandTimeout', 90_000],
    ['pulley agent --wait 30', 'longPoll', 30],
    ['pulley agent --wait 3600', 'longPoll', 300],
    ['pulley serve --interval 90', 'interval', 90],
    ['stoker hook install dhcpd --sysv', 'sysv', true],
  ] as const) {
    t.equal((await parseWords(words.split(' ')))[name], value, words)
  }
})
