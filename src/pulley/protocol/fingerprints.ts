/** When two fingerprints are of two machines. Pure: the server asks it, and the agent, which believes nobody else. */
import type { Fingerprint } from './messages.ts'

/** Whether what both know of the machine differs. Interfaces come and go, so that one which stayed is enough. */
export const isAnother = (enrolled: Fingerprint, now: Fingerprint): boolean => {
  const differs = (a: string | undefined, b: string | undefined) => a !== undefined && b !== undefined && a !== b
  if (differs(enrolled.vmId, now.vmId) || differs(enrolled.machineId, now.machineId)) return true
  if (enrolled.macs.length === 0 || now.macs.length === 0) return false
  return !now.macs.some(mac => enrolled.macs.includes(mac))
}
