/** What went wrong between us and a directory server, in words which help. */
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import type { Reply } from './session.ts'
import type { Server, Settings } from './settings.ts'

/** One server cannot be used at present; another one may. */
export const unusable = (server: Server, what: string, cause?: unknown): StokerError =>
  new StokerError('CONNECT_FAILED', server.url, `${server.url}: ${what}`, { cause })

/** `WAREHOUSE_FAILED`: no server could be used, for these reasons. */
export const noneLeft = (settings: Settings, purpose: string, reasons: readonly StokerError[]): StokerError => {
  const message = `warehouse ${settings.warehouse}: cannot get ${purpose}: ${reasons.map(({ message }) => message).join('; ')}`
  return new StokerError('WAREHOUSE_FAILED', settings.warehouse, message, { cause: reasons[0] })
}

/** `WAREHOUSE_FAILED`: the server's answer is of no use, and another server would say the same. */
export const refused = (
  settings: Settings,
  server: Server,
  purpose: string,
  what: string,
  cause?: unknown,
): StokerError => {
  const message = `warehouse ${settings.warehouse}: cannot get ${purpose}: ${server.url}: ${what}`
  return new StokerError('WAREHOUSE_FAILED', settings.warehouse, message, { cause })
}

/** An error of the network, of TLS or of the protocol, and what to try. `milliseconds`: the time that the server had. */
export const networkTrouble = (thrown: unknown, server: Server, milliseconds: number): string => {
  const code = codeOf(thrown)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  switch (code) {
    case 'TimeoutError':
    case 'ETIMEDOUT':
      return `no answer within ${(milliseconds / 1_000).toFixed(1)} s; is it up, and the network? The option deadline gives it more time`
    case 'ECONNREFUSED':
      return 'connection refused; is it up, and does it listen there?'
    case 'ENOENT':
      return 'there is no such socket; is it up, and does it listen there?'
    case 'EACCES':
      return 'permission denied; may you use its socket?'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name has no address; check the option url'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route to it; check the network and the option url'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'connection lost before the answer was complete; has it been stopped? Its log may tell'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is not for ${server.identity}; check the options url and tls.servername`
    case 'NOT_LDAP':
      return 'what it says is not LDAP; is this its port? With ldap:// for a port of TLS, write ldaps://'
    default:
      if (/CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/.test(code))
        return `its certificate is not trusted (${message}); check the option tls.ca`
      if (/TLS|SSL/.test(code)) return `no TLS with it (${shown(message)}); is this its port for TLS? Its log may tell`
      return `${shown(message)}; its log may tell more`
  }
}

const codeOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return ''
  // A host with several addresses fails with one error for all of them.
  const inner = [thrown, ...(thrown instanceof AggregateError ? thrown.errors : [])]
  for (const one of inner) if (one instanceof Error && 'code' in one && typeof one.code === 'string') return one.code
  return thrown.name
}

/** Results which tell of the server's state at the moment, not of our question. */
const TRANSIENT: readonly number[] = [51, 52]

/** The error for a result which is not success, of a bind, of StartTLS, or of a search below `base`. */
export const resultTrouble = (
  settings: Settings,
  server: Server,
  purpose: string,
  reply: Pick<Reply, 'status' | 'text'>,
  base?: string,
): StokerError => {
  const reason = reply.text === '' ? `result ${reply.status}` : `result ${reply.status}, ${shown(reply.text)}`
  if (TRANSIENT.includes(reply.status)) return unusable(server, `it is busy or not available (${reason})`)
  return refused(settings, server, purpose, `${explain(reply.status, settings, base)} (${reason})`)
}

/** RFC 4511 appendix A. */
const explain = (status: number, settings: Settings, base: string | undefined): string => {
  switch (status) {
    case 3:
      return 'the time it allows is up; a narrower base or an index on objectClass would help'
    case 4:
    case 11:
      return settings.pageSize === undefined
        ? 'it gives no more entries than its size limit, with pages and without; raise the limit for our bind there, or bind as somebody who has a higher one'
        : 'it gives no more entries than its size limit, or no pages of this size; raise the limit for our bind there, or change the option page-size'
    case 7:
      return 'it does not know this way to bind; check the option bind'
    case 8:
    case 13:
      return 'it wants an encrypted connection; write ldaps://, or tls: {starttls: true}'
    case 10:
      return 'it refers to another server; name that one in the option url, or check the option base'
    case 12:
      return 'it has no paged results; leave the option page-size out, and raise its size limit for our bind'
    case 32:
      return `it has no entry ${shown(base ?? '')} which we may see; check the options base and bind`
    case 34:
      return `${base === undefined ? who(settings) : shown(base)} is no distinguished name; check the options base and bind`
    case 48:
    case 53:
      return base === undefined
        ? `it does not let ${who(settings)} bind; check the option bind`
        : 'it is not willing to search there; check the option bind'
    case 49:
      return `it refuses the bind as ${who(settings)}; check the option bind`
    case 50:
      return `${who(settings)} may not read there; check the option bind, or the access rules of the server`
    default:
      return "it cannot do that; the server's log may tell more"
  }
}

const who = ({ bind }: Settings): string => {
  switch (bind.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'external':
      return 'external'
    case 'simple':
      return `${shown(bind.dn)} with the password in ${bind.passwordFile}`
    default:
      throw new Error(`unknown bind: ${bind satisfies never}`)
  }
}
