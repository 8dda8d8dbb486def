/**
 * Whether a machine is a clone: a copy of the one which enrolled, or of its state folder. Pure. The server compares when a
 * session begins (`server/clones.ts`); the agent compares again before it believes that (`agent/clone.ts`).
 */
import type { Fingerprint } from './messages.ts'

/**
 * Whether the fingerprints are of two machines: an id which both have differs, or no MAC of the enrolled one is left.
 * Interfaces come and go, so that one which stayed is enough.
 */
export const isClone = (enrolled: Fingerprint, now: Fingerprint): boolean => {
  const differs = (a: string | undefined, b: string | undefined) => a !== undefined && b !== undefined && a !== b
  if (differs(enrolled.vmId, now.vmId) || differs(enrolled.machineId, now.machineId)) return true
  if (enrolled.macs.length === 0 || now.macs.length === 0) return false
  return !now.macs.some(mac => enrolled.macs.includes(mac))
}
