/** Which of this machine's own addresses to connect from: BindAddress and BindInterface of ssh_config(5). */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type Abortable, orAborted } from '../base/abortable.ts'

export interface Outgoing {
  /** A name or an address; counts before the interface. */
  readonly bindAddress: string | undefined
  readonly bindInterface: string | undefined
}

/** `undefined`: the system chooses. Throws an error fit for a message where there is none of that family. */
export const localAddress = async (
  { bindAddress, bindInterface }: Outgoing,
  family: 4 | 6,
  io: Abortable,
): Promise<string | undefined> => {
  if (bindAddress !== undefined) return await ofName(bindAddress, family, io)
  return bindInterface === undefined ? undefined : ofInterface(bindInterface, family)
}

const ofName = async (name: string, family: 4 | 6, io: Abortable): Promise<string> => {
  if (isIP(name) === family) return name
  const found = isIP(name) === 0 ? await orAborted(lookup(name, { family }), io).catch(() => undefined) : undefined
  io.signal.throwIfAborted()
  if (found !== undefined) return found.address
  throw new Error(`cannot connect from ${name} (BindAddress in ssh_config): it has no IPv${family} address`)
}

const ofInterface = (name: string, family: 4 | 6): string => {
  const addresses = (networkInterfaces()[name] ?? []).filter(found => found.family === `IPv${family}`)
  // As ssh has it: those which lead somewhere first.
  const found = addresses.find(({ address }) => !NEAR.test(address)) ?? addresses[0]
  if (found === undefined)
    throw new Error(`cannot connect from ${name} (BindInterface in ssh_config): it has no IPv${family} address`)
  return found.address.startsWith('fe80:') ? `${found.address}%${name}` : found.address
}

const NEAR = /^(?:127\.0\.0\.1|::1|fe[89ab].:.*)$/i
