/**
 * What becomes of each keyword of ssh_config(5) over a connection of our own. Every keyword is in one list: it is followed,
 * or it has nothing to say here, or it is told, or it decides whether or how one gets in, so that the system's ssh is used.
 */
import type { NotFollowed } from './draft.ts'
import type { ConfigLine } from './line.ts'
import { lowerCase } from './pattern.ts'

/** Followed, by `options.ts` or (the first three) by the reading of the files itself. */
export const FOLLOWED: readonly string[] = [
  ...['Host', 'Match', 'Include'],
  ...['AddressFamily', 'BindAddress', 'BindInterface', 'CheckHostIP', 'Ciphers', 'Compression', 'ConnectionAttempts'],
  ...['ConnectTimeout', 'GlobalKnownHostsFile', 'HashKnownHosts', 'HostKeyAlgorithms', 'HostKeyAlias', 'HostName'],
  ...['IdentitiesOnly', 'IdentityAgent', 'IdentityFile', 'IgnoreUnknown', 'IPQoS', 'KexAlgorithms', 'MACs', 'Port'],
  ...['ProxyJump', 'PubkeyAcceptedAlgorithms', 'RequiredRSASize', 'SendEnv', 'ServerAliveCountMax'],
  ...['ServerAliveInterval', 'SetEnv', 'StrictHostKeyChecking', 'TCPKeepAlive', 'User', 'UserKnownHostsFile'],
]

/** Not followed, and nobody misses it: it is about terminals, forwardings, passwords, looks, or goes with one of the others. */
export const HARMLESS: readonly string[] = [
  // People at a terminal, and what ssh says to them.
  ...['BatchMode', 'EnableEscapeCommandline', 'EscapeChar', 'FingerprintHash', 'ForkAfterAuthentication', 'LogLevel'],
  ...['LogVerbose', 'ObscureKeystrokeTiming', 'RemoteCommand', 'RequestTTY', 'SessionType', 'StdinNull'],
  ...['SyslogFacility', 'VersionAddendum', 'VisualHostKey', 'WarnWeakCrypto'],
  // Forwardings: nothing is forwarded.
  ...['ClearAllForwardings', 'DynamicForward', 'ExitOnForwardFailure', 'ForwardX11', 'ForwardX11Timeout'],
  ...['ForwardX11Trusted', 'GatewayPorts', 'LocalForward', 'PermitRemoteOpen', 'RemoteForward', 'StreamLocalBindMask'],
  ...['StreamLocalBindUnlink', 'Tunnel', 'TunnelDevice', 'XAuthLocation'],
  // Passwords: none is asked for.
  ...['KbdInteractiveAuthentication', 'KbdInteractiveDevices', 'NumberOfPasswordPrompts', 'PasswordAuthentication'],
  // Connections are shared without it, keys are not put into the agent, and host keys are added only when one is accepted.
  ...['AddKeysToAgent', 'ControlMaster', 'ControlPath', 'ControlPersist', 'UpdateHostKeys', 'UseKeychain'],
  // Nothing without the keyword which it goes with.
  ...['CanonicalDomains', 'CanonicalizeFallbackLocal', 'CanonicalizeMaxDots', 'CASignatureAlgorithms'],
  ...['EnableSSHKeysign', 'GSSAPIClientIdentity', 'GSSAPIDelegateCredentials', 'GSSAPIKexAlgorithms'],
  ...['GSSAPIRenewalForcesRekey', 'GSSAPIServerIdentity', 'GSSAPITrustDns', 'HostbasedAcceptedAlgorithms'],
  ...['PermitLocalCommand', 'ProxyUseFdpass', 'SecurityKeyProvider', 'Tag'],
  // ssh itself has given them up.
  ...['AFSTokenPassing', 'Cipher', 'CompressionLevel', 'FallBackToRsh', 'GlobalKnownHostsFile2'],
  ...['KerberosAuthentication', 'KerberosTGTPassing', 'Protocol', 'RhostsAuthentication', 'RhostsRSAAuthentication'],
  ...['RSAAuthentication', 'UseRoaming', 'UsePrivilegedPort', 'UserKnownHostsFile2', 'UseRsh'],
]

/** Whether the value asks for nothing; the other lines of a keyword do not count after such a one either. */
type Silent = (line: ConfigLine) => boolean

const any =
  (...values: readonly string[]): Silent =>
  ({ words }) =>
    values.includes(lowerCase(words[0] ?? ''))
const off = any('no', 'false', 'none')
const never: Silent = () => false

/** Not followed, and told: what one gets is not all that one asked for. */
export const TOLD: Readonly<Record<string, Silent>> = {
  ChannelTimeout: any('none'),
  ForwardAgent: off,
  LocalCommand: any('none'),
  NoHostAuthenticationForLocalhost: off,
  RekeyLimit: any('default', '0'),
}

/** Decides whether or how one gets in. `CertificateFile` and `ProxyCommand` are read, to be refused or handed on. */
export const OPENSSH: Readonly<Record<string, Silent>> = {
  CanonicalizeHostname: off,
  CanonicalizePermittedCNAMEs: off,
  CertificateFile: off,
  GSSAPIAuthentication: off,
  GSSAPIKeyExchange: off,
  HostbasedAuthentication: off,
  KnownHostsCommand: off,
  PKCS11Provider: off,
  PreferredAuthentications: ({ words }) => (words[0] ?? '').split(',').includes('publickey'),
  ProxyCommand: off,
  PubkeyAuthentication: line => !off(line),
  RefuseConnection: never,
  RevokedHostKeys: off,
  VerifyHostKeyDNS: off,
}

/** Those of them without which a target must not be reached at all. */
const MUST: readonly string[] = ['RefuseConnection', 'RevokedHostKeys']

/** Debian turns it on for everybody; only who writes it down for himself means to get in by it. */
const MEANT_BY_USERS: readonly string[] = ['GSSAPIAuthentication', 'GSSAPIKeyExchange']

/** Older names of keywords, in lower case. */
const ALIASES: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
  hostbasedkeytypes: 'hostbasedacceptedalgorithms',
  identityfile2: 'identityfile',
  keepalive: 'tcpkeepalive',
  pubkeyacceptedkeytypes: 'pubkeyacceptedalgorithms',
  skeyauthentication: 'kbdinteractiveauthentication',
  smartcarddevice: 'pkcs11provider',
  tisauthentication: 'kbdinteractiveauthentication',
}

/** A keyword in lower case by its present name. */
export const presentName = (keyword: string): string =>
  (Object.hasOwn(ALIASES, keyword) ? ALIASES[keyword] : undefined) ?? keyword

const namesOf = (lists: readonly (readonly string[])[]): ReadonlyMap<string, string> =>
  new Map(lists.flat().map(name => [lowerCase(name), name]))
const silentNames = namesOf([FOLLOWED, HARMLESS])
const notFollowedNames = namesOf([Object.keys(TOLD), Object.keys(OPENSSH)])

/** What has to be said of a line; `undefined` where nothing ever has. `origin`: whose file it stands in. */
export const notFollowed = (line: ConfigLine, origin: 'user' | 'system'): NotFollowed | undefined => {
  const { location } = line
  const keyword = presentName(line.keyword)
  if (silentNames.has(keyword)) return undefined
  const name = notFollowedNames.get(keyword)
  if (name === undefined) return { keyword: line.keyword, location, weight: 'unknown' }
  const silent = TOLD[name] ?? OPENSSH[name] ?? never
  if (silent(line)) return { keyword: name, location, weight: 'silent' }
  if (origin === 'system' && MEANT_BY_USERS.includes(name)) return { keyword: name, location, weight: 'keyless' }
  return { keyword: name, location, weight: name in TOLD ? 'told' : MUST.includes(name) ? 'refuse' : 'openssh' }
}
