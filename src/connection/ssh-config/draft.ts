/** What ssh_config files say about one host, line by line, before anything in it is expanded. */
import type { Located, SourceLocation } from './line.ts'

/** A host to go through. Its own settings are looked up like those of any other host. */
export interface Jump {
  readonly user?: string
  readonly host: string
  readonly port?: number
}

/** A list of algorithms, or a change to the default list. Names may have wildcards. */
export interface AlgorithmList {
  readonly kind: 'only' | 'append' | 'prepend' | 'remove'
  readonly names: readonly string[]
  readonly location: SourceLocation
}

/** What was set so far for one host; the first value of each option stays. */
export interface Draft {
  hostName?: Located
  user?: string
  port?: number
  /** `IdentityFile none` stands among them as `none`. */
  readonly identityFiles: Located[]
  /** `CertificateFile none` stands among them as `none`. */
  readonly certificateFiles: Located[]
  identitiesOnly?: boolean
  identityAgent?: Located
  userKnownHostsFiles?: readonly Located[]
  globalKnownHostsFiles?: readonly Located[]
  strictHostKeyChecking?: { readonly value: 'strict' | 'accept-new' | 'off'; readonly location: SourceLocation }
  hostKeyAlias?: Located
  checkHostIp?: boolean
  hashKnownHosts?: boolean
  requiredRsaSize?: number
  /** `undefined`, `none` or the hosts; hosts rule out a later ProxyCommand, and so does one that came before rule out them. */
  proxyJump?: 'none' | { readonly jumps: readonly Jump[]; readonly location: SourceLocation }
  proxyCommand?: 'none' | { readonly command: string; readonly location: SourceLocation }
  hostKeyAlgorithms?: AlgorithmList
  kexAlgorithms?: AlgorithmList
  ciphers?: AlgorithmList
  macs?: AlgorithmList
  pubkeyAcceptedAlgorithms?: AlgorithmList
  /** Seconds. */
  serverAliveInterval?: number
  serverAliveCountMax?: number
  /** Seconds. */
  connectTimeout?: number
  connectionAttempts?: number
  addressFamily?: 'any' | 'inet' | 'inet6'
  bindAddress?: string
  bindInterface?: string
  tcpKeepAlive?: boolean
  compression?: boolean
  ipQos?: { readonly byte: number | undefined }
  /** Names with wildcards. */
  readonly sendEnv: string[]
  setEnv?: ReadonlyMap<string, string>
  /** Patterns of keywords which may stay unknown. */
  ignoreUnknown?: string
  /** What a connection of our own does not follow, by keyword. */
  readonly notFollowed: Map<string, NotFollowed>
}

/** A line which our own connections do not follow. */
export interface NotFollowed {
  /** As the manual writes it. */
  readonly keyword: string
  readonly location: SourceLocation
  /**
   * `openssh`: it decides whether or how one gets in, so that the system's ssh should be used. `refuse`: without following
   * it, the target must not be connected to. `told`: it is enough to say so. `unknown`: ssh_config(5) has no such keyword,
   * as far as we know. `keyless`: as `openssh`, for those who have no key to offer. `silent`: this value asks for nothing.
   */
  readonly weight: 'openssh' | 'refuse' | 'told' | 'unknown' | 'keyless' | 'silent'
}

/** Puts one option's value into a draft. */
export type Setter = (draft: Draft) => void

/** A draft in which nothing is set. */
export const emptyDraft = (): Draft => ({
  identityFiles: [],
  certificateFiles: [],
  sendEnv: [],
  notFollowed: new Map(),
})
