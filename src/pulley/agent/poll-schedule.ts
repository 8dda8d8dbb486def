/** When to poll next: in a slot of one's own which stays the same over restarts, later and later when nobody answers. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { type Abortable, pause } from '../../base/abortable.ts'

/** How often the network is looked at while nobody answers. */
const NETWORK_CHECK_MS = 2000

/** A share of the interval, from 0 to 1, which is the node's own. */
export const slotOf = (node: string): number => createHash('sha256').update(node).digest().readUInt32BE(0) / 2 ** 32

/** Milliseconds until the next turn of this slot, in intervals of so many seconds; at least half an interval. Pure. */
export const millisecondsToSlot = (slot: number, seconds: number, now: number, random: number): number => {
  const interval = seconds * 1000
  const into = (((now - slot * interval) % interval) + interval) % interval
  const left = interval - into
  // A small part is chance, so that those of one slot do not meet each time.
  return (left < interval / 2 ? left + interval : left) + (random - 0.5) * 0.1 * interval
}

/** Waits, but not longer than until the network has changed. */
export const waitForNetwork = async (milliseconds: number, io: Abortable): Promise<'over' | 'changed'> => {
  const until = performance.now() + milliseconds
  const before = await networkText()
  for (;;) {
    const left = until - performance.now()
    if (left <= 0) return 'over'
    await pause(Math.min(left, NETWORK_CHECK_MS), io)
    if ((await networkText()) !== before) return 'changed'
  }
}

/** Addresses and routes: what differs when a network has come or gone. */
const networkText = async (): Promise<string> => {
  const addresses = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(({ address }) => address))
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '') // there is none where there is no /proc
  const lines = routes.split('\n').map(line => line.split('\t').slice(0, 3).join(' '))
  return [...addresses.sort(), ...lines.sort()].join('\n')
}
