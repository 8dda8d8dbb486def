/** Output which clush(1) gathers: equal output once (`-b`, `-B`), as differences (`--diff`), or line by line in order (`-L`). */
import { harmlessLines } from '../../../base/printable.ts'
import type { Target } from '../../../inventory/target.ts'
import type { View } from '../../report.ts'
import type { Sink } from '../../sink.ts'
import { lineBatch } from '../../text/line-batch.ts'
import { type Collected, collection } from '../../views/collection.ts'
import type { Gathered } from '../../views/gather.ts'
import { pythonDiff } from '../python-diff.ts'
import { sshEnd } from '../ssh-end.ts'
import { type ClushFormat, counted, header, lineLabel, paintedDiff } from './format.ts'

export interface GatheredOptions {
  /** `blocks`: a header, then the output. `differences`: from the first block. `lines`: each node's by itself, labelled. */
  readonly shape: 'blocks' | 'differences' | 'lines'
  /** Whether standard error belongs to it (`-B`); else it is not gathered. */
  readonly stderr: boolean
  /** All targets, in the order of their names. */
  readonly targets: readonly Target[]
}

/** Equal output of nodes with one exit code. */
interface Block {
  readonly code: number
  /** In order. */
  readonly targets: readonly Target[]
  readonly body: Gathered
}

/**
 * Shown at the end: the lowest exit code first, then the most nodes, then by the first one's name. Nodes which said nothing are
 * not shown, and neither are those whose time was up, as with clush.
 */
export const gathered = (stdout: Sink, { shape, stderr, targets }: GatheredOptions, format: ClushFormat): View => {
  const outputs = collection({ streams: ['all'] })
  const silent = new Map<number, Target[]>()
  const places = new Map(targets.map((target, place) => [target, place]))
  const inOrder = (some: readonly Target[]) => some.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))

  const finish = async (target: Target, code: number | undefined): Promise<void> => {
    if (code !== undefined && !outputs.has(target)) silent.set(code, [...(silent.get(code) ?? []), target])
    if (outputs.has(target)) await outputs.finish(target, String(code ?? ''))
  }
  const blocks = (): readonly Block[] =>
    outputs
      .groups()
      .flatMap(({ targets, bodies: [body], end }: Collected) =>
        body === undefined || end === '' ? [] : [{ code: Number(end), targets: inOrder(targets), body }],
      )
      .sort((a, b) => a.code - b.code || b.targets.length - a.targets.length || (firstOf(a) < firstOf(b) ? -1 : 1))

  const showBlock = async ({ targets, body }: Block): Promise<void> => {
    await stdout.write(await header(namesOf(targets), format))
    await copy(body, stdout, '')
  }
  const showLines = async (blocks: readonly Block[]): Promise<void> => {
    const all = blocks.flatMap(({ code, targets, body }) => targets.map(target => ({ code, target, body })))
    const place = ({ target }: { readonly target: Target }) => places.get(target) ?? 0
    for (const { target, body } of all.sort((a, b) => a.code - b.code || place(a) - place(b)))
      await copy(body, stdout, lineLabel(target.name, 'stdout', format))
  }
  const showDifferences = async (blocks: readonly Block[]): Promise<void> => {
    const [first] = blocks
    if (!first) return
    const [name, lines] = [await counted(namesOf(first.targets), format), await linesOf(first.body)]
    const codes = new Set([...blocks.map(({ code }) => code), ...silent.keys()])
    for (const code of [...codes].filter(one => one >= first.code).sort((a, b) => a - b)) {
      const quiet = inOrder(silent.get(code) ?? [])
      const variants = [
        ...blocks.filter(block => block !== first && block.code === code),
        ...(quiet.length > 0 ? [{ targets: quiet, body: undefined }] : []),
      ]
      for (const { targets, body } of variants) {
        const other = await counted(namesOf(targets), format)
        const text = pythonDiff(name, other, lines, body ? await linesOf(body) : [])
          .map(line => `${paintedDiff(line, format)}\n`)
          .join('')
        await stdout.write(stdout.isTerminal ? harmlessLines(text) : text)
      }
    }
  }

  return {
    event(event) {
      if (event.kind === 'output' && (stderr || event.output.stream === 'stdout'))
        return outputs.add(event.target, 'all', event.output.data)
      if (event.kind === 'finished') return finish(event.target, sshEnd(event.outcome).code)
    },
    async end() {
      const all = blocks()
      if (shape === 'lines') await showLines(all)
      else if (shape === 'differences') await showDifferences(all)
      else for (const block of all) await showBlock(block)
      await stdout.flush()
    },
    [Symbol.asyncDispose]: () => outputs[Symbol.asyncDispose](),
  }
}

const namesOf = (targets: readonly Target[]): readonly string[] => targets.map(({ name }) => name)
const firstOf = ({ targets: [first] }: Block): string => first?.name ?? ''

const copy = async (body: Gathered, stdout: Sink, label: string): Promise<void> => {
  const batch = label !== '' || stdout.isTerminal ? lineBatch({ label, harmless: stdout.isTerminal }) : undefined
  for await (const bytes of body.read()) await stdout.write(batch === undefined ? bytes : batch.push(bytes))
}

/** Its lines as text; bytes which are no UTF-8 are left out. */
const linesOf = async (body: Gathered): Promise<readonly string[]> => {
  const parts: Uint8Array[] = []
  for await (const bytes of body.read()) parts.push(Uint8Array.from(bytes))
  const text = Buffer.concat(parts).toString().replaceAll('\ufffd', '')
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
