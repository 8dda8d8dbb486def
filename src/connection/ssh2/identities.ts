/** Which keys to offer to a host, in which order: key files and the agent's keys, as methods for ssh2 to try one by one. */
import { join } from 'node:path'
import type { AgentAuthMethod, ParsedKey, PublicKeyAuthMethod } from 'ssh2'
import type { Abortable } from '../../base/abortable.ts'
import { sharedWork } from '../../base/abortable.ts'
import { reason, StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { localUser } from '../ssh-config/local-user.ts'
import type { HostSettings } from '../ssh-config/ssh-config.ts'
import { type AskPassphrase, type KeyFile, type LockedKey, readKeyFile } from './key-file.ts'
import { type Signatures, signaturesFor } from './signatures.ts'
import { SingleIdentity, type SshAgent, sshAgent } from './ssh-agent.ts'

/** One identity, to be given to ssh2's `authHandler` as it is. */
export type Offer = (PublicKeyAuthMethod | AgentAuthMethod) & {
  /** Where the key is from, for messages: a file, or `agent` and the key's comment. */
  readonly label: string
}

export interface IdentityOptions {
  /** Key files which the user names for this run; they come first. */
  readonly files?: readonly string[]
  /** Where `.ssh` with the usual keys is. Default: the home folder in the password database. */
  readonly home?: string
  /** Asked for one file at a time, and not again once there is an answer. */
  readonly askPassphrase: AskPassphrase
  readonly notice: (text: string) => void
}

export interface Identities {
  /**
   * What to offer for a login, in order. A first key with a passphrase is asked for here, before there is a connection
   * which could time out; another one when a server accepts it.
   */
  offers(settings: Wanted, user: string, io: Abortable): Promise<readonly Offer[]>
}

/** The part of a host's settings which chooses the keys. */
export type Wanted = Pick<HostSettings, 'identityFiles' | 'identitiesOnly' | 'identityAgent'> &
  Partial<Pick<HostSettings, 'pubkeyAcceptedAlgorithms' | 'requiredRsaSize'>>

/** Throws `CONFIG` when a file of `options.files` is not there or not a key. Everything else is read when first needed. */
export const openIdentities = async (options: IdentityOptions, io: Abortable): Promise<Identities> => {
  const { files: named = [], home = localUser().home, notice } = options
  const ask = oneAtATime(options.askPassphrase)
  const usual = DEFAULT_FILES.map(name => join(home, '.ssh', name))

  const keyFile = remembering((file: string) =>
    sharedWork(async (io): Promise<KeyFile> => {
      const found = await readKeyFile(file, ask, notice, io)
      if ('reason' in found && found.reason !== undefined) notice(`${file}: ${found.reason}`)
      return found
    }),
  )
  const agent = remembering((socket: string): SshAgent => sshAgent(socket))
  const agentKeys = remembering((socket: string) =>
    sharedWork(async (io): Promise<readonly ParsedKey[]> => {
      try {
        return await agent(socket).identities(io)
      } catch (error) {
        io.signal.throwIfAborted()
        notice(`the ssh-agent at ${socket} cannot be asked (${reason(error)}): going on without it`)
        return []
      }
    }),
  )

  const plan = async (wanted: Wanted, io: Abortable): Promise<readonly Candidate[]> => {
    const chosen = named.length > 0 || wanted.identityFiles !== undefined
    const files = chosen ? [...new Set([...named, ...(wanted.identityFiles ?? [])])] : usual
    const found = await Promise.all(files.map(async file => ({ file, found: await keyFile(file)(io) })))
    const socket = wanted.identityAgent
    const held = socket === undefined ? [] : await agentKeys(socket)(io)
    const heldBlobs = new Set(held.map(blob))
    const fileBlobs = new Set(
      found.flatMap(({ found }) => ('publicKey' in found && found.publicKey ? blob(found.publicKey) : [])),
    )
    const inAgent = (key: ParsedKey): Candidate[] =>
      socket === undefined ? [] : [{ kind: 'agent', key, agent: agent(socket) }]
    const inFile = found.flatMap(({ file, found }): Candidate[] => {
      if (found.kind !== 'open' && found.kind !== 'locked') return []
      if (found.publicKey !== undefined && heldBlobs.has(blob(found.publicKey))) return []
      return [found.kind === 'open' ? { kind: 'open', file, key: found.key } : { kind: 'locked', file, locked: found }]
    })
    // As ssh does it: what is both configured and in the agent, the agent's other keys, the other files. But servers
    // give up after a few keys (MaxAuthTries), so that a chosen file which needs no passphrase does not wait behind those.
    const early = chosen ? inFile.filter(({ kind }) => kind === 'open') : []
    return [
      ...held.filter(key => fileBlobs.has(blob(key))).flatMap(inAgent),
      ...early,
      ...(wanted.identitiesOnly ? [] : held.filter(key => !fileBlobs.has(blob(key))).flatMap(inAgent)),
      ...inFile.filter(candidate => !early.includes(candidate)),
    ]
  }
  const plans = new Map<string, (io: Abortable) => Promise<readonly Candidate[]>>()
  const planned = (wanted: Wanted) => {
    const key = JSON.stringify([wanted.identityFiles, wanted.identitiesOnly, wanted.identityAgent])
    const known = plans.get(key) ?? sharedWork(io => plan(wanted, io))
    plans.set(key, known)
    return known
  }

  for (const file of named) {
    const found = await keyFile(file)(io)
    if (found.kind === 'absent') throw new StokerError('CONFIG', file, `there is no key file ${file}`)
    if (found.kind === 'unusable')
      throw new StokerError('CONFIG', file, `${file} cannot be used as a key: ${found.reason}`)
  }

  return {
    async offers(wanted, user, io) {
      const { pubkeyAcceptedAlgorithms, requiredRsaSize = 0 } = wanted
      const signatures = signaturesFor({ pubkeyAcceptedAlgorithms, requiredRsaSize })
      const candidates = (await planned(wanted)(io)).filter(candidate => isWanted(candidate, signatures))
      for (const candidate of candidates)
        if (candidate.kind !== 'locked' || (await candidate.locked.unlock(io)) !== undefined) break
      return candidates.flatMap(candidate => offer(candidate, user, signatures, io))
    },
  }
}

/** Of the usual names, those whose types can be used; the cheapest signature first. */
const DEFAULT_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa']

type Candidate =
  | { readonly kind: 'agent'; readonly key: ParsedKey; readonly agent: SshAgent }
  | { readonly kind: 'open'; readonly file: string; readonly key: ParsedKey }
  | { readonly kind: 'locked'; readonly file: string; readonly locked: LockedKey }

const isWanted = (candidate: Candidate, signatures: Signatures): boolean => {
  const key = candidate.kind === 'locked' ? candidate.locked.publicKey : candidate.key
  return key === undefined || signatures.offers(key)
}

/** None for a key whose passphrase was not given. */
const offer = (candidate: Candidate, username: string, signatures: Signatures, io: Abortable): readonly Offer[] => {
  /** ssh2 chooses how to sign by what the server knows; what is not wanted becomes one refused offer. */
  const signing = async (key: ParsedKey, hash: string | undefined, sign: () => Promise<Buffer>): Promise<Buffer> => {
    if (!signatures.signs(key, hash)) throw new Error(`no such signature is wanted (PubkeyAcceptedAlgorithms)`)
    return await sign()
  }
  const byKey = (key: ParsedKey, label: string): Offer => {
    if (!signatures.restricted) return { type: 'publickey', username, key, label }
    const one = new SingleIdentity(
      async () => key,
      (data, { hash }) => signing(key, hash, async () => key.sign(data, hash)),
    )
    return { type: 'agent', username, agent: one, label }
  }
  switch (candidate.kind) {
    case 'agent': {
      const { key, agent } = candidate
      const one = new SingleIdentity(
        async () => key,
        (data, options) => signing(key, options.hash, () => agent.sign(key, data, options, io)),
      )
      return [{ type: 'agent', username, agent: one, label: `agent ${shown(key.comment)}` }]
    }
    case 'open':
      return [byKey(candidate.key, candidate.file)]
    case 'locked': {
      const { file, locked } = candidate
      const answer = locked.answer()
      if (answer !== undefined) return answer.key === undefined ? [] : [byKey(answer.key, file)]
      const one = new SingleIdentity(
        async () => locked.publicKey ?? (await locked.unlock(io)),
        async (data, { hash }) => {
          const key = await locked.unlock(io)
          if (key === undefined) throw new Error(`${file} is locked`)
          return await signing(key, hash, async () => key.sign(data, hash))
        },
      )
      return [{ type: 'agent', username, agent: one, label: file }]
    }
    default:
      throw new Error(`unknown candidate: ${candidate satisfies never}`)
  }
}

const blob = (key: ParsedKey): string => key.getPublicSSH().toString('base64')

/** A terminal has room for one question. */
const oneAtATime = (ask: AskPassphrase): AskPassphrase => {
  let last: Promise<unknown> = Promise.resolve()
  return (file, attempt) => {
    const answer = last.then(() => ask(file, attempt))
    last = answer.catch(() => {}) // who asked hears of it
    return answer
  }
}

/** Makes something for each name once. */
const remembering = <T>(make: (name: string) => T): ((name: string) => T) => {
  const made = new Map<string, T>()
  return name => {
    const known = made.get(name)
    if (known !== undefined) return known
    const fresh = make(name)
    made.set(name, fresh)
    return fresh
  }
}
