/** What makes this machine another than the one its image or its state folder was copied from. */
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { MAX_ADDRESSES, MAX_MACHINE_ID, MAX_MACS } from '../../protocol/limits.ts'
import type { Fingerprint } from '../../protocol/messages.ts'

/** Reads it anew each time: a clone may wake up in the middle of a run. */
export const machineFingerprint = async (): Promise<Fingerprint> => {
  const machineId = await firstLine('/etc/machine-id')
  const vmId = await firstLine('/sys/class/dmi/id/product_uuid')
  return { ...(machineId && { machineId }), ...(vmId && { vmId }), macs: ownMacs() }
}

/** Of its own interfaces, but for those which nobody else can use. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address)
    .slice(0, MAX_ADDRESSES)

/** The machine's own name, as a name of a node. */
export const ownName = (): string =>
  hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]/g, '-')

/** Of interfaces which have an address: those of bridges and containers come and go, and are made up on the machine. */
const ownMacs = (): string[] => {
  const real = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo|docker|br-|virbr|veth|cni|flannel|cali|tun|tap)/.test(name) || /^veth\d*$/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, mac }) => !internal && mac !== '00:00:00:00:00:00')
    .map(({ mac }) => mac.toLowerCase())
  return [...new Set(real)].sort().slice(0, MAX_MACS)
}

const firstLine = async (path: string): Promise<string | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => '') // not every machine has it, or lets us see it
  const line = text.split('\n', 1)[0]?.trim().toLowerCase()
  return line && line.length <= MAX_MACHINE_ID && /^[0-9a-f-]+$/.test(line) ? line : undefined
}
