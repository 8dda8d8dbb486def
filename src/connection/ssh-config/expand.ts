/** What stands for something else in ssh_config values: `%` tokens, `~`, `${VARIABLES}`. Pure. */
import type { Jump } from './draft.ts'
import { configError, type Located, type SourceLocation } from './line.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A path with `~`, variables and tokens; throws `CONFIG` when one of them leads nowhere. */
export const expandPath = (value: Located, home: string, env: Environment, tokens: Tokens): string =>
  expandTokens(expandEnvironment(expandHome(value, home), env), tokens)

/** Values by token letter. */
export type Tokens = Readonly<Record<string, string>>

/** `%h` and the like; throws `CONFIG` for a token which has no value here. */
export const expandTokens = ({ text, location }: Located, tokens: Tokens): string =>
  text.replaceAll(/%(.?)/gs, (whole, token: string) => {
    const value = token === '%' ? '%' : Object.hasOwn(tokens, token) ? tokens[token] : undefined
    if (value === undefined)
      throw configError(location, `${whole} in ${text} cannot be expanded; %% stands for a percent sign`)
    return value
  })

/** The tokens in a bastion's name and user. */
export const expandJump = (jump: Jump, location: SourceLocation, tokens: Tokens): Jump => ({
  ...jump,
  host: expandTokens({ text: jump.host, location }, tokens),
  ...(jump.user === undefined ? {} : { user: expandTokens({ text: jump.user, location }, tokens) }),
})

const expandHome = ({ text, location }: Located, home: string): Located => {
  if (!text.startsWith('~')) return { text, location }
  if (text !== '~' && !text.startsWith('~/'))
    throw configError(location, `${text}: other users' home folders are not looked up`)
  return { text: home + text.slice(1), location }
}

const expandEnvironment = ({ text, location }: Located, env: Environment): Located => ({
  location,
  text: text.replaceAll(/\$\{([^}]*)\}/g, (_, variable: string) => {
    const value = env[variable]
    if (value === undefined) throw configError(location, `the environment has no ${variable}`)
    return value
  }),
})

/** The socket which IdentityAgent and `SSH_AUTH_SOCK` lead to; `undefined`: no agent. */
export const agentSocket = (
  option: Located | undefined,
  env: Environment,
  path: (value: Located) => string,
): string | undefined => {
  const fromEnvironment = (variable: string) => env[variable] || undefined // empty means none, as for ssh
  if (option === undefined || option.text === 'SSH_AUTH_SOCK') return fromEnvironment('SSH_AUTH_SOCK')
  if (option.text === 'none') return undefined
  if (/^\$[^{]/.test(option.text)) return fromEnvironment(option.text.slice(1))
  return path(option)
}
