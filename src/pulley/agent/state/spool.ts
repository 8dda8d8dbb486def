/** Reports on their way: on disk until the server has them, with the time at which things happened. */
import type { Abortable } from '../../../base/abortable.ts'
import { type Report, report } from '../../protocol/messages.ts'
import type { ServerLink } from '../server-link.ts'
import type { Folder } from './folder.ts'

const FOLDER = 'reports'
/** The oldest are given up when there is no server for very long. */
const MAX_REPORTS = 2000
/** In one request, which the server takes up to 1 MiB of. */
const REPORTS_PER_REQUEST = 50
const BYTES_PER_REQUEST = 512 * 1024
/** A report like the last one is repeated after so long, so that the server knows that all is well; milliseconds. */
const REPEAT_AFTER_MS = 24 * 3_600_000

export class Spool {
  readonly #folder: Folder
  #last: Report | undefined

  constructor(folder: Folder) {
    this.#folder = folder
  }

  /** Keeps a report which says something new; one like the last, where nothing happened, is not worth a request. */
  async add(one: Report): Promise<void> {
    const fitting = truncated(one)
    this.#last ??= await this.#folder.read('last-report.json', report).catch(() => undefined)
    if (this.#last && saysTheSame(this.#last, fitting) && one.at - this.#last.at < REPEAT_AFTER_MS) return
    await this.#folder.write(`${FOLDER}/${String(one.at).padStart(15, '0')}-${one.id}.json`, fitting)
    await this.#folder.write('last-report.json', fitting)
    this.#last = fitting
    const names = await this.#folder.list(FOLDER)
    for (const name of names.slice(0, Math.max(0, names.length - MAX_REPORTS)))
      await this.#folder.remove(`${FOLDER}/${name}`)
  }

  /** Tells the server; what it has taken is removed here. Throws what the link throws. */
  async deliver(link: Pick<ServerLink, 'post'>, io: Abortable): Promise<void> {
    for (;;) {
      const names = (await this.#folder.list(FOLDER)).slice(0, REPORTS_PER_REQUEST)
      if (names.length === 0) return
      const taken: string[] = []
      const list: Report[] = []
      for (let [i, size] = [0, 0]; i < names.length; i++) {
        const name = names[i] as string
        // One which is damaged is of no use to anybody.
        const one = await this.#folder.read(`${FOLDER}/${name}`, report).catch(() => undefined)
        size += one ? sizeOf(one) : 0
        if (size > BYTES_PER_REQUEST && list.length > 0) break
        taken.push(name)
        if (one) list.push(one)
      }
      if (list.length > 0) await link.post('/v1/reports', list, io)
      for (const name of taken) await this.#folder.remove(`${FOLDER}/${name}`)
    }
  }
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** As much of it as one request may hold: the counts say the rest. */
const truncated = (one: Report): Report => {
  let room = BYTES_PER_REQUEST - sizeOf({ ...one, results: [] })
  const results = one.results.filter(result => {
    room -= sizeOf(result) + 1
    return room >= 0
  })
  return { ...one, results }
}

const saysTheSame = (a: Report, b: Report): boolean =>
  b.counts.changed === 0 &&
  b.counts.drift === 0 &&
  JSON.stringify([a.serial, a.counts.failed, a.results, a.trouble]) ===
    JSON.stringify([b.serial, b.counts.failed, b.results, b.trouble])
