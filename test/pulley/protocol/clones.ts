import t from 'tap'
import { isClone } from '../../../src/pulley/protocol/clones.ts'
import type { Fingerprint } from '../../../src/pulley/protocol/messages.ts'

const MAC = '52:54:00:00:00:01'
const OTHER = '52:54:00:00:00:02'
const enrolled: Fingerprint = { machineId: 'aa', vmId: 'bb', macs: [MAC] }

const rows: readonly (readonly [string, Fingerprint, Fingerprint, boolean])[] = [
  ['the same machine', enrolled, enrolled, false],
  ['another machine id', enrolled, { ...enrolled, machineId: 'cc' }, true],
  ['another id of the VM, on a copied disk', enrolled, { ...enrolled, vmId: 'cc' }, true],
  ['ids which cannot be read any more', enrolled, { macs: [MAC] }, false],
  ['ids which could not be read at the enrolment', { macs: [MAC] }, enrolled, false],
  ['one interface more', enrolled, { ...enrolled, macs: [OTHER, MAC] }, false],
  ['no interface left of the enrolled ones', enrolled, { ...enrolled, macs: [OTHER] }, true],
  ['no interface at all now', enrolled, { ...enrolled, macs: [] }, false],
  ['no interface at the enrolment', { ...enrolled, macs: [] }, enrolled, false],
  ['nothing known of either', { macs: [] }, { macs: [] }, false],
]

for (const [what, before, now, clone] of rows)
  t.test(`${what}: ${clone ? 'a clone' : 'no clone'}`, async t => t.equal(isClone(before, now), clone))
