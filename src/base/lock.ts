/**
 * One at a time: a file which exists while somebody works, and tells who that is. A holder which was killed, or went with the
 * power, holds nothing any more; nor does one whose folder was copied.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { Abortable } from './abortable.ts'
import { besidePath, sweepOnce } from './atomic-file.ts'
import { StokerError } from './errors.ts'
import { bootId, fateOf, pidOf, processId } from './process-identity.ts'
import { Retry } from './retry.ts'

/** Who has a lock. */
export interface Holder {
  readonly pid: number
  /** Its machine, unless it is this one. */
  readonly host: string | undefined
  readonly since: Date
}

export interface LockOptions extends Abortable {
  /** Milliseconds to wait for a holder who lives; unless given, until the signal aborts. */
  readonly limit?: number
  /** Called for each holder who is waited for, once. */
  readonly waiting?: (holder: Holder) => void
  /** Milliseconds between the signs of life which this holder will give; for work which is soon done, a few. */
  readonly beat?: number
}

/** `LOCKED`: the time is up, and `holder` lives. */
export class LockHeld extends StokerError {
  readonly holder: Holder

  constructor(path: string, holder: Holder) {
    super('LOCKED', path, `${path} is held by ${shownHolder(holder)}`)
    this.holder = holder
  }
}

/** `process 12 on web1 since 2026-11-21 10:58:30 UTC`. */
export const shownHolder = ({ pid, host, since }: Holder): string =>
  `process ${pid}${host === undefined ? '' : ` on ${host}`} since ${since.toISOString().slice(0, 19).replace('T', ' ')} UTC`

/**
 * Takes the lock; disposing gives it back. Its folder is made when it is not there. Throws `LockHeld` after `limit`, the
 * signal's reason when it aborts, and what the file system throws.
 *
 * The processes of this machine can be asked about. One of another machine, or of another container, gives a sign of life
 * now and then: whoever wants to know waits for that, also beyond `limit`.
 */
export const takeLock = async (path: string, options: LockOptions): Promise<AsyncDisposable> => {
  const { signal, limit = Number.POSITIVE_INFINITY, beat = BEAT_MS, waiting } = options
  const began = performance.now()
  const silence = new Silence()
  const turns = new Retry(LOOKS)
  let reportedHolder = ''
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  for (;;) {
    signal.throwIfAborted()
    const found = await inspect(path)
    if (!found) {
      const mine = await claim(path, beat)
      if (mine === undefined) continue
      await using taken = new AsyncDisposableStack()
      taken.use(held(path, mine, beat))
      await removeDead(breakPath(path), { signal })
      return taken.move()
    }
    const { claims, holder } = found
    const fate = fateIn(found) ?? silence.judge(found)
    if (fate === 'ended') {
      await takeAway(path, claims, { signal })
      continue
    }
    if (reportedHolder !== claims) {
      waiting?.(holder)
      turns.reset()
    }
    reportedHolder = claims
    if (fate === 'running' && performance.now() - began >= limit) throw new LockHeld(path, holder)
    await turns.wait({ signal })
  }
}

/** Between two looks; milliseconds. */
const LOOKS = { first: 4, most: 25 }
const BEAT_MS = 10_000
/** Who has missed so many signs of life is dead. */
const MISSED_BEATS = 3

/** What is written in a lock. */
interface Claim {
  readonly process: string
  readonly host: string
  readonly boot: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly beat: number
  /** The number of the very file: a copy of it is held by nobody. */
  readonly inode: string
  /** Two claims of one process differ, too. */
  readonly id: string
}

/** A lock as it was seen. */
interface Found {
  /** Its whole text; it is another one when this differs. */
  readonly claims: string
  readonly claim: Claim | undefined
  readonly holder: Holder
  readonly inode: string
  /** Changes with each sign of life. */
  readonly touched: bigint
}

/** Makes the lock if nobody has it, and returns what is written in it. It is linked into place: nobody sees it without its text. */
const claim = async (path: string, beat: number): Promise<string | undefined> => {
  await sweepOnce(dirname(path))
  const beside = besidePath(path)
  try {
    let text: string
    {
      await using file = await open(beside, 'wx', 0o600)
      const { ino } = await file.stat({ bigint: true })
      const claim: Claim = {
        ...{ process: processId(), host: hostname(), boot: bootId(), since: Date.now(), beat },
        ...{ inode: String(ino), id: randomUUID() },
      }
      text = `${JSON.stringify(claim)}\n`
      await file.writeFile(text)
    }
    return (await linked(beside, path)) ? text : undefined
  } finally {
    await rm(beside, { force: true })
  }
}

const linked = async (beside: string, path: string): Promise<boolean> => {
  try {
    await link(beside, path)
    return true
  } catch (thrown) {
    // Another was faster; or one of another machine took us for dead, and has cleared away.
    if (['EEXIST', 'ENOENT'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return false
    throw thrown
  }
}

const held = (path: string, mine: string, beat: number): AsyncDisposable => {
  // After a long suspension it may have been taken away from us: another one's lock is left alone.
  const isMine = async () => (await inspect(path))?.claims === mine
  const live = async () => {
    if (await isMine()) await utimes(path, new Date(), new Date())
  }
  const timer = setInterval(() => void live().catch(() => {}), beat).unref() // the next one may come through
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      if (await isMine()) await rm(path, { force: true })
    },
  }
}

/**
 * Two who find the same dead lock must not remove a living one between them. So there is a lock for that as well: as long as
 * it is held, a dead lock stays what it is. Should somebody be killed just then, that one is taken away in the same manner by
 * whoever takes the lock next.
 */
const takeAway = async (path: string, dead: string, io: Abortable): Promise<void> => {
  await using _only = await takeLock(breakPath(path), { ...io, beat: BREAK_BEAT_MS })
  if ((await inspect(path))?.claims === dead) await rm(path, { force: true })
}

const breakPath = (path: string): string => `${path}.break`

/** Of somebody who was killed just then. */
const removeDead = async (path: string, io: Abortable): Promise<void> => {
  const found = await inspect(path)
  if (found && fateIn(found) === 'ended') await takeAway(path, found.claims, io)
}

const BREAK_BEAT_MS = 1_000

/** `undefined`: there is none. It is opened, because NFS tells what is new only then. */
const inspect = async (path: string): Promise<Found | undefined> => {
  try {
    await using file = await open(path)
    const { ino, mtimeNs } = await file.stat({ bigint: true })
    const claims = await file.readFile('utf8')
    const claim = parseClaim(claims)
    const holder = {
      pid: pidOf(claim?.process ?? '') ?? 0,
      host: claim?.host === hostname() ? undefined : claim?.host,
      since: new Date(claim?.since ?? 0),
    }
    return { claims, claim, holder, inode: String(ino), touched: mtimeNs }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

/** `undefined` where it has been damaged, as by a loss of power. */
const parseClaim = (text: string): Claim | undefined => {
  try {
    const claim = JSON.parse(text) as Partial<Claim>
    const { process, host, boot, inode, since, beat } = claim
    const fits =
      [process, host, boot, inode].every(one => typeof one === 'string') && [since, beat].every(Number.isSafeInteger)
    return fits ? (claim as Claim) : undefined
  } catch {
    return undefined
  }
}

/** As far as this machine knows; `undefined`: it has to give a sign of life. */
const fateIn = ({ claim, inode }: Found): 'running' | 'ended' | undefined => {
  if (!claim || claim.inode !== inode) return 'ended'
  const fate = fateOf(claim.process) ?? 'ended'
  if (fate !== 'elsewhere') return fate
  const isBeforeReboot = claim.host === hostname() && claim.boot !== '' && claim.boot !== bootId()
  return isBeforeReboot ? 'ended' : undefined
}

/** Watches for signs of life. */
class Silence {
  #claims = ''
  #touched = 0n
  #since = 0
  #lives = false

  judge({ claims, touched, claim }: Found): 'running' | 'ended' | 'unknown' {
    const now = performance.now()
    if (claims !== this.#claims || touched !== this.#touched) {
      this.#lives = claims === this.#claims
      this.#claims = claims
      this.#touched = touched
      this.#since = now
    } else if (now - this.#since > MISSED_BEATS * (claim?.beat ?? 0)) return 'ended'
    return this.#lives ? 'running' : 'unknown'
  }
}
