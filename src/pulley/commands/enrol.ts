/** `pulley enrol`: this machine becomes a node. */
import { mkdir, readFile } from 'node:fs/promises'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { checkedName, enrol } from '../agent/enrol.ts'
import { Folder } from '../agent/state/folder.ts'
import { IDENTITY } from '../agent/state/identity-files.ts'
import { checkedVo } from '../client/admin.ts'
import { fingerprintOf, publicKeyText } from '../protocol/keys.ts'

export interface EnrolFlags {
  readonly server: readonly string[]
  readonly vo: string
  readonly tokenFile: string
  readonly state: string
  readonly name?: string
  readonly ca?: string
  readonly voKey?: string
  /** Forget who this machine has been. */
  readonly anew?: boolean
}

export const enrolCommand = async (flags: EnrolFlags, io: Abortable): Promise<number> => {
  const folder = new Folder(flags.state)
  const known = await folder.read(IDENTITY.file, IDENTITY.schema)
  if (known && !flags.anew) {
    process.stderr.write(
      `pulley: this machine is node ${known.name} (${known.node}) of VO ${known.vo} already; --anew to enrol it anew\n`,
    )
    return known.vo === flags.vo ? 0 : 2
  }
  const [vo, name] = [checkedVo(flags.vo), checkedName(flags.name)]
  if (flags.voKey !== undefined && !publicKeyText.safeParse(flags.voKey).success)
    throw new StokerError('USAGE', '--vo-key', '--vo-key: expected a public key, as pulley vo create prints it')
  await mkdir(flags.state, { recursive: true, mode: 0o700 })
  const identity = await enrol(
    folder,
    {
      ...{ servers: flags.server, vo, tokenFile: flags.tokenFile, name, voKey: flags.voKey },
      ca: flags.ca === undefined ? undefined : await readFile(flags.ca, 'utf8'),
    },
    io,
  )
  process.stdout.write(
    `node ${identity.name} (${identity.node}) of VO ${identity.vo}, whose key is ${fingerprintOf(identity.voKey)}\n`,
  )
  return 0
}
