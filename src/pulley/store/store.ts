/**
 * What a pulley server keeps. SQLite and MySQL implement it; both pass one contract test. Every method is atomic, and what it
 * has answered is on disk. Time and size of an answer do not grow with what was there before: a test looks at every query's plan. Every row belongs to a VO, and no method crosses from one to another.
 */
import type { Envelope } from '../protocol/envelope.ts'
import type { ActionReport, Fingerprint, Report } from '../protocol/messages.ts'

/** Milliseconds since 1970. */
export type Time = number

export interface Vo {
  readonly name: string
  readonly publicKey: string
  readonly created: Time
  /** Documents by which the key was handed on, the oldest first. */
  readonly successions: readonly Envelope[]
}

export interface Token {
  readonly id: string
  readonly vo: string
  readonly usesLeft: number
  readonly expires: Time
  /** A pattern for names, `*` for any text; `undefined`: all. */
  readonly names: string | undefined
  readonly roles: readonly string[]
  readonly created: Time
  readonly lastUsed: Time | undefined
  readonly revoked: Time | undefined
}

export interface Node {
  readonly id: string
  readonly vo: string
  readonly name: string
  readonly roles: readonly string[]
  readonly publicKey: string
  readonly sealKey: string
  readonly fingerprint: Fingerprint
  readonly token: string
  readonly enrolled: Time
  readonly cloneOf: string | undefined
  readonly revoked: Time | undefined
  /** How often a machine came with this identity which is another one. */
  readonly clonesSeen: number
  /** When its state folder was last seen to have gone back. */
  readonly rolledBack: Time | undefined
  readonly turn: number
  readonly bootId: string | undefined
  readonly version: string
  /** As it says itself. */
  readonly addresses: readonly string[]
  readonly lastContact: Time | undefined
  /** Seconds between its polls, as it was last told. */
  readonly interval: number
  /** The newest bundle it has applied, 0 for none. */
  readonly serial: number
  readonly lastReport: Report | undefined
}

export interface NewNode {
  readonly id: string
  readonly name: string
  readonly publicKey: string
  readonly sealKey: string
  readonly fingerprint: Fingerprint
  readonly version: string
  readonly cloneOf: string | undefined
}

/** How far a bundle is spread. */
export interface Waves {
  /** Shares of the VO's nodes, rising, the last is 1: `[0.1, 0.5, 1]`; numbers of nodes are kept as `{ nodes: n }`. */
  readonly steps: readonly ({ readonly share: number } | { readonly nodes: number })[]
  /** The index of the step which is open; equal to the number of steps when all is done. */
  readonly open: number
  readonly state: 'running' | 'halted' | 'done'
  /** How much of a wave may fail before it halts: a share, or a number of nodes. */
  readonly maxFail: number | { readonly nodes: number }
  readonly since: Time
  readonly why: string | undefined
}

export interface StoredBundle {
  readonly vo: string
  readonly serial: number
  readonly envelope: Envelope
  readonly contentSha256: string
  readonly created: Time
  readonly note: string
  readonly waves: Waves
}

export type ActionState = 'queued' | 'fetched' | 'started' | 'done' | 'failed' | 'expired' | 'cancelled' | 'unknown'

export interface Action {
  readonly id: string
  readonly vo: string
  readonly node: string
  /** Orders which were sent together. */
  readonly batch: string
  readonly name: string
  readonly envelope: Envelope
  readonly state: ActionState
  /** Asked to be cancelled while it may run. */
  readonly cancelAsked: boolean
  readonly created: Time
  readonly expires: Time
  readonly fetched: Time | undefined
  readonly started: Time | undefined
  readonly finished: Time | undefined
  readonly result:
    | Extract<ActionReport, { readonly state: 'done' | 'failed' | 'cancelled' | 'expired' | 'unknown' }>
    | undefined
}

export interface OutputPiece {
  readonly piece: number
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
}

/** Why somebody was not let in; told to the log, and to the agent as far as it helps it. */
export type Refused = { readonly kind: 'refused'; readonly why: string }

export const refused = (why: string): Refused => ({ kind: 'refused', why })

export interface Store extends AsyncDisposable {
  /** Counts up with every change which a node of the VO may want to know of; cheap, asked every second. */
  revisions(): Promise<ReadonlyMap<string, number>>

  /** A secret which all servers of this store share; made at the first question. */
  sharedSecret(name: string, fresh: () => string): Promise<string>

  createVo(vo: { readonly name: string; readonly publicKey: string }, now: Time): Promise<Vo | Refused>
  vo(name: string): Promise<Vo | undefined>
  vos(): Promise<readonly Vo[]>
  /** The new key counts from now on; refused when the old one is no longer the one given. */
  changeVoKey(vo: string, from: string, to: string, document: Envelope): Promise<Vo | Refused>

  createToken(token: Omit<Token, 'lastUsed' | 'revoked'>, hash: string): Promise<void>
  tokens(vo: string): Promise<readonly Token[]>
  revokeToken(vo: string, id: string, now: Time): Promise<boolean>

  /**
   * Takes one use of the token with this hash and makes the node, both or neither. A key which is enrolled already gives its
   * node and takes no use. A name which another node of the VO has gets a number: clones of one image call themselves alike.
   */
  enrol(vo: string, tokenHash: string, node: NewNode, now: Time): Promise<Node | Refused>
  node(vo: string, id: string): Promise<Node | undefined>
  /** By id alone, for whoever comes with nothing else; the answer tells its VO. */
  nodeById(id: string): Promise<Node | undefined>
  nodes(vo: string): Promise<readonly Node[]>
  setRoles(vo: string, id: string, roles: readonly string[]): Promise<boolean>
  revokeNode(vo: string, id: string, now: Time): Promise<boolean>
  /** A session begins. `rolledBack`: the turn is not higher than the last one known. */
  beginSession(
    id: string,
    hello: {
      readonly turn: number
      readonly bootId: string
      readonly version: string
      readonly addresses: readonly string[]
      readonly serial: number
    },
    now: Time,
  ): Promise<{ readonly rolledBack: boolean }>
  recordClone(id: string, now: Time): Promise<void>
  /** Contacts since the last call, many at once. */
  recordContacts(list: readonly { readonly id: string; readonly at: Time; readonly interval: number }[]): Promise<void>

  /** Whether it was new; kept until `expires`. */
  useNonce(nonce: string, expires: Time): Promise<boolean>
  forgetNonces(now: Time): Promise<void>

  putBlob(vo: string, sha256: string, content: Uint8Array): Promise<void>
  blob(vo: string, sha256: string): Promise<Uint8Array | undefined>
  /** Refused unless the serial is higher than all before and the content is there. */
  publishBundle(bundle: StoredBundle): Promise<{ readonly kind: 'published' } | Refused>
  bundles(vo: string): Promise<readonly StoredBundle[]>
  setWaves(vo: string, serial: number, waves: Waves): Promise<void>

  /** All or none. */
  queueActions(actions: readonly Action[]): Promise<void>
  action(vo: string, id: string): Promise<Action | undefined>
  actions(
    vo: string,
    filter: { readonly node?: string; readonly batch?: string; readonly limit?: number },
  ): Promise<readonly Action[]>
  /** Those of a node which may still be started, marked as fetched; those whose time is over become `expired`. */
  fetchActions(vo: string, node: string, now: Time): Promise<readonly Action[]>
  /** By node, the ids of actions which wait for it, and of those it shall end, in order. */
  pendingActions(vo: string, now: Time): Promise<ReadonlyMap<string, readonly string[]>>
  /** Ids of the actions of a node which have been started, and which it is asked to end. */
  cancelledActions(vo: string, node: string): Promise<readonly string[]>
  /**
   * `queued` or `fetched` becomes `started`, once; anything else is refused and changes nothing. The same attempt may ask
   * again as long as nothing has been heard of what it did.
   */
  startAction(
    vo: string,
    node: string,
    id: string,
    attempt: string,
    at: Time,
    now: Time,
  ): Promise<{ readonly kind: 'started' } | Refused>
  /** The end of an action; a repeated report is taken silently, one which contradicts is refused. */
  finishAction(
    vo: string,
    node: string,
    id: string,
    result: NonNullable<Action['result']>,
    now: Time,
  ): Promise<{ readonly kind: 'finished' } | Refused>
  /** Queued and fetched actions become cancelled; a started one is asked to end. */
  cancelAction(vo: string, id: string, now: Time): Promise<ActionState | undefined>
  /** A piece which is there already stays; beyond the limit of the action's bytes it is refused. */
  putOutput(
    vo: string,
    node: string,
    id: string,
    piece: OutputPiece,
    limit: number,
  ): Promise<{ readonly kind: 'taken' } | Refused>
  actionOutput(vo: string, id: string): Promise<readonly OutputPiece[]>

  /** Those which are there already are taken silently. */
  putReports(vo: string, node: string, reports: readonly Report[], now: Time): Promise<void>
  reports(
    vo: string,
    filter: { readonly node?: string; readonly limit?: number },
  ): Promise<readonly { readonly node: string; readonly received: Time; readonly report: Report }[]>

  /**
   * Forgets what is older: reports, finished actions with their output. What was never started in time has expired. In steps:
   * this alone is not atomic, and may be called again.
   */
  prune(before: Time, now: Time): Promise<void>
}
