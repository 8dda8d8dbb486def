/** Reports on their way: on disk until the server has them, with the time at which things happened. */
import type { Abortable } from '../../abortable.ts'
import { type Report, report } from '../protocol/messages.ts'
import type { Folder } from './folder.ts'
import type { Link } from './link.ts'

const FOLDER = 'reports'
/** The oldest are given up when there is no server for very long. */
const MOST = 2000
/** In one request. */
const TOGETHER = 50
/** A server which has heard nothing new for so long is told that all is well; milliseconds. */
const DAY = 24 * 3_600_000

export class Spool {
  readonly #folder: Folder
  #last: Report | undefined

  constructor(folder: Folder) {
    this.#folder = folder
  }

  /** Keeps a report which tells something new; one like the last, where nothing happened, is not worth a request. */
  async add(one: Report): Promise<void> {
    this.#last ??= await this.#folder.read('last-report.json', report).catch(() => undefined)
    if (this.#last && saysTheSame(this.#last, one) && one.at - this.#last.at < DAY) return
    await this.#folder.write(`${FOLDER}/${String(one.at).padStart(15, '0')}-${one.id}.json`, one)
    await this.#folder.write('last-report.json', one)
    this.#last = one
    const names = await this.#folder.list(FOLDER)
    for (const name of names.slice(0, Math.max(0, names.length - MOST))) await this.#folder.remove(`${FOLDER}/${name}`)
  }

  /** Tells the server; what it has taken is removed here. Throws what the link throws. */
  async deliver(link: Pick<Link, 'post'>, io: Abortable): Promise<void> {
    for (;;) {
      const names = (await this.#folder.list(FOLDER)).slice(0, TOGETHER)
      if (names.length === 0) return
      const read = await Promise.all(
        names.map(name => this.#folder.read(`${FOLDER}/${name}`, report).catch(() => undefined)),
      )
      const list = read.filter(one => one !== undefined)
      if (list.length > 0) await link.post('/v1/reports', list, io)
      for (const name of names) await this.#folder.remove(`${FOLDER}/${name}`)
    }
  }
}

const saysTheSame = (a: Report, b: Report): boolean =>
  b.counts.changed === 0 &&
  b.counts.drift === 0 &&
  JSON.stringify([a.serial, a.counts.failed, a.results, a.trouble]) ===
    JSON.stringify([b.serial, b.counts.failed, b.results, b.trouble])
