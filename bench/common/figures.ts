/** What the parts find out, and how it is printed. Times are in seconds. */
import { knee, type Overhead } from '../paper/overheads.ts'
import type { Standing } from '../push/rounds.ts'
import { multiplesTable, percent, seconds, share, standingsTable, table } from './table.ts'

export type Figures = Contest | StartUp | Sweep | Queue

/** Who takes how much; the first is compared with the others. */
export interface Contest {
  readonly kind: 'contest'
  readonly title: string
  readonly standings: readonly Standing[]
  /** What has to be known besides: who was left out, and why. */
  readonly notes: readonly string[]
}

export interface StartUp {
  readonly kind: 'start-up'
  readonly title: string
  readonly standings: readonly Standing[]
}

/** The same work with more and more targets at a time. */
export interface Sweep {
  readonly kind: 'sweep'
  readonly title: string
  readonly targets: number
  /** What the command takes on each target. */
  readonly pause: number
  readonly rows: readonly Overhead[]
  /** Whether the logins had to go one after the other. */
  readonly locked: boolean
}

/** A sweep whose logins have to go one after the other, beside the same without. */
export interface Queue {
  readonly kind: 'queue'
  readonly title: string
  readonly targets: number
  readonly pause: number
  readonly rows: readonly QueueRow[]
  /** What a login holds the lock for, told by the sweep's start. */
  readonly serial: number
  /** How often the servers ask for the keys in one login. */
  readonly asked: number
  /** More at a time gain nothing: as the model says, and as seen, with the lock and without. */
  readonly knee: { readonly model: number; readonly locked: number; readonly free: number }
}

export interface QueueRow {
  readonly fanout: number
  readonly free: number
  readonly locked: number
  readonly model: number
}

/** A headline and a table in Markdown. */
export const figuresText = (figures: Figures): string => {
  const parts = [`### ${figures.title}`, tableOf(figures), ...notesOf(figures)]
  return parts.join('\n\n')
}

const tableOf = (figures: Figures): string => {
  switch (figures.kind) {
    case 'contest':
      return standingsTable(figures.standings)
    case 'start-up':
      return multiplesTable(figures.standings)
    case 'sweep':
      return figures.pause === 0 ? speedTable(figures.rows) : overheadTable(figures)
    case 'queue':
      return queueTable(figures.rows)
    default:
      throw new Error(`unknown figures: ${figures satisfies never}`)
  }
}

const notesOf = (figures: Figures): readonly string[] => {
  if (figures.kind === 'contest') return figures.notes
  if (figures.kind === 'sweep' && figures.pause === 0)
    return [`Within a twentieth of the best from fanout ${knee(figures.rows)} on.`]
  if (figures.kind !== 'queue') return []
  const { serial, asked, knee: at } = figures
  return [
    `Each login holds the lock for ${seconds(serial)} (the server asks ${asked.toFixed(1)} times).`,
    `The wall time stops falling at fanout ${at.locked}; the model says ${at.model.toFixed(1)}; without the lock ${at.free}.`,
  ]
}

/** For a command which takes no time, there is nothing but overhead. */
const speedTable = (rows: readonly Overhead[]): string => {
  const [first] = rows
  return table([
    ['fanout', 'wall', 'times as fast as the first'],
    ...rows.map(({ fanout, wall }) => [`${fanout}`, seconds(wall), share((first?.wall ?? Number.NaN) / wall)]),
  ])
}

/** What the sweep in the paper slept for. */
const PAPER_PAUSE = 10

const overheadTable = ({ rows, pause, locked }: Sweep): string => {
  const head = ['fanout', 'wall', 'ideal', 'overhead', 'of the largest', 'of the wall']
  const cells = rows.map(({ fanout, wall, ideal, absolute, normalised, relative }) => [
    ...[`${fanout}`, seconds(wall), seconds(ideal), seconds(absolute), percent(normalised), percent(relative)],
  ])
  if (locked) return table([head, ...cells])
  // The same seconds would come on top of a longer sleep; not so behind a lock, for which a longer sleep leaves time.
  const longer = rows.map(({ ideal, absolute }) => percent(absolute / ((ideal / pause) * PAPER_PAUSE + absolute)))
  return table([
    [...head, `had it slept ${PAPER_PAUSE} s`],
    ...cells.map((row, index) => [...row, longer[index] ?? '']),
  ])
}

const queueTable = (rows: readonly QueueRow[]): string =>
  table([
    ['fanout', 'keys of its own', 'keys behind a lock', 'model', 'lock / model'],
    ...rows.map(({ fanout, free, locked, model }) => [
      ...[`${fanout}`, seconds(free), seconds(locked), seconds(model), share(locked / model)],
    ]),
  ])
