/**
 * `npm run bench -- [PART...] [--quick] [--json FILE] [--plots FOLDER]`: what a push costs, beside the tools which do the same,
 * on real sshd on this machine. Prints tables in Markdown. Without a PART all of them are measured, one after the other.
 *
 *     --quick         few targets, short commands, few rounds: to see that it works
 *     --json FILE     writes the figures for programs, each as soon as it is there
 *     --plots FOLDER  draws what the figures allow, as SVG
 *     --from FILE     measures nothing; takes the figures which an earlier run wrote
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findProgram } from '../test/fixtures/servers/debian.ts'
import { type Figures, figuresText } from './common/figures.ts'
import { type Machine, machine, machineText } from './common/machine.ts'
import type { Part } from './common/part.ts'
import { svg } from './common/plot.ts'
import { plots } from './paper/plots.ts'
import { paper } from './paper.ts'
import { build } from './push/build.ts'
import { compare, thousand } from './push/compare.ts'
import { cores } from './push/cores.ts'
import { startUp } from './push/start-up.ts'
import { tools } from './push/tools.ts'
import { warm } from './push/warm.ts'

const PARTS: Readonly<Record<string, { readonly title: string; readonly part: Part }>> = {
  'start-up': { title: 'Start-up', part: startUp },
  compare: { title: 'Cold targets', part: compare },
  thousand: { title: 'A thousand targets', part: thousand },
  warm: { title: 'Warm against cold', part: warm },
  cores: { title: 'A second core', part: cores },
  paper: { title: 'By fanout', part: paper },
}

/** What `--json` writes and `--from` reads. */
interface Report {
  readonly machine: Machine
  readonly quick: boolean
  /** Tools which are not here. */
  readonly missing: readonly string[]
  readonly parts: readonly { readonly title: string; readonly figures: readonly Figures[] }[]
}

const print = (text: string) => void process.stdout.write(`${text}\n\n`)
const say = (text: string) => void process.stderr.write(`${text}\n`)

const headText = ({ machine, quick, missing }: Omit<Report, 'parts'>): string =>
  [
    machineText(machine),
    ...(quick ? ['A quick run: few targets and rounds.'] : []),
    ...(missing.length > 0 ? [`Not here, so left out: ${missing.join(', ')}.`] : []),
  ].join('\n')

/** Measures, prints, and keeps what it has so far in the file. */
const measureParts = async (names: readonly string[], quick: boolean, file: string | undefined): Promise<Report> => {
  if (findProgram('sshd') === undefined) throw new Error('there is no sshd here: Debian has it in openssh-server')
  const built = await build()
  const { present, missing } = tools(built)
  const head = { machine: machine(), quick, missing }
  print(headText(head))
  const parts: { title: string; figures: Figures[] }[] = []
  for (const name of names) {
    const { title, part } = named(name)
    print(`## ${title}`)
    const began = performance.now()
    const figures: Figures[] = []
    parts.push({ title, figures })
    for await (const one of part({ built, stoker: present[0], tools: present, quick, say })) {
      figures.push(one)
      print(figuresText(one))
      if (file !== undefined) await writeFile(file, `${JSON.stringify({ ...head, parts }, undefined, 2)}\n`)
    }
    say(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  return { ...head, parts }
}

const named = (name: string) => {
  const found = PARTS[name]
  if (!found) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  return found
}

const readReport = async (file: string): Promise<Report> => {
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  if (!Array.isArray(report.parts)) throw new Error(`${file} was not written by --json`)
  print(headText(report))
  for (const { title, figures } of report.parts) print([`## ${title}`, ...figures.map(figuresText)].join('\n\n'))
  return report
}

const draw = async ({ parts }: Report, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [name, plot] of plots(parts.flatMap(({ figures }) => figures))) {
    await writeFile(join(folder, `${name}.svg`), svg(plot))
    say(`drawn: ${join(folder, `${name}.svg`)}`)
  }
}

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    plots: { type: 'string' },
    from: { type: 'string' },
  },
  allowPositionals: true,
})
for (const name of positionals) named(name)
const names = positionals.length > 0 ? positionals : Object.keys(PARTS)
const report =
  values.from === undefined ? await measureParts(names, values.quick, values.json) : await readReport(values.from)
if (values.plots !== undefined) await draw(report, values.plots)
