/** A cold start: many machines of one image come at once, each with keys of its own, and want to be nodes. */
import { Client } from '../../src/pulley/client/client.ts'
import { makeSigningKey } from '../../src/pulley/protocol/keys.ts'
import { enrolled, fingerprintOf, TOKEN, VO } from './agents.ts'
import { cpuOf, memoryOf, servePulley } from './server.ts'

export interface Arrivals {
  readonly machines: number
  readonly failures: number
  /** The first one's reason, when there is one. */
  readonly why: string | undefined
  /** Seconds until all had enrolled, said hello and polled. */
  readonly took: number
  /** Seconds of the server's CPU. */
  readonly cpu: number
  readonly memory: number
}

export const arrivals = async (entry: string, machines: number): Promise<Arrivals> => {
  await using server = await servePulley(entry, async folder => void (await enrolled(folder, 0)))
  const keys = Array.from({ length: machines }, () => makeSigningKey())
  const before = await cpuOf(server.pid)
  const began = performance.now()
  const servers = [`http://127.0.0.1:${server.port}`]
  const ends = await Promise.allSettled(keys.map((key, number) => arrive(servers, key, number)))
  const took = (performance.now() - began) / 1000
  const failed = ends.filter(end => end.status === 'rejected')
  const cpu = (await cpuOf(server.pid)) - before
  const why = failed[0] && String(failed[0].reason)
  return { machines, failures: failed.length, why, took, cpu, memory: (await memoryOf(server.pid)).peak }
}

/** What an agent does at its first start; all call themselves alike, as their image does. */
const arrive = async (servers: readonly string[], key: ReturnType<typeof makeSigningKey>, number: number) => {
  const io = { signal: AbortSignal.timeout(120_000) }
  const patience = { timeout: 120_000 }
  const fingerprint = fingerprintOf(number)
  await using newcomer = new Client({ servers, key, keyid: key.publicKey, ...patience })
  const { publicKey } = key
  const who = { vo: VO, token: TOKEN, name: 'vm', publicKey, sealKey: publicKey, fingerprint, version: '1' }
  const made = await newcomer.json({ method: 'POST', path: '/v1/enrol', body: who }, io)
  const { node } = made as { readonly node: string }
  await using own = new Client({ servers, key, keyid: node, ...patience })
  const said = { fingerprint, bootId: 'boot', version: '1', addresses: [], turn: 1, serial: 0 }
  const welcome = await own.json({ method: 'POST', path: '/v1/session', body: said }, io)
  await own.json({ method: 'GET', path: '/v1/poll', session: (welcome as { readonly session: string }).session }, io)
}
