/** What went wrong between us and a MySQL server, in words which help. */
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import type { Settings } from './settings.ts'

/** `WAREHOUSE_FAILED` with the server, what was asked of it, and what to try. A `StokerError` stays as it is. */
export const failure = (settings: Settings, purpose: string, thrown: unknown): StokerError => {
  if (thrown instanceof StokerError) return thrown
  const { what, hint } = explain(thrown, settings)
  const message = `warehouse ${settings.warehouse}: MySQL server ${serverOf(settings)}: ${what} (asked for ${purpose}); ${hint}`
  return new StokerError('WAREHOUSE_FAILED', settings.warehouse, message, { cause: thrown })
}

const serverOf = ({ endpoint }: Settings): string =>
  'socket' in endpoint
    ? endpoint.socket
    : `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`

interface Explanation {
  readonly what: string
  readonly hint: string
}

const explain = (thrown: unknown, settings: Settings): Explanation => {
  const code = codeOf(thrown)
  const { user, database } = settings
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  switch (code) {
    case 'TimeoutError':
    case 'ETIMEDOUT':
      return {
        what: `no answer within ${settings.deadline / 1_000} s`,
        hint: 'is it up, and the network? The option deadline gives it more time',
      }
    case 'ECONNREFUSED':
      return { what: 'connection refused', hint: 'is it up, and does it listen there?' }
    case 'ENOENT':
      return { what: 'there is no such socket', hint: 'is it up, and is this its socket?' }
    case 'EACCES':
      return { what: 'permission denied', hint: 'may you use its socket?' }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { what: 'its name has no address', hint: 'check the option host' }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { what: 'no route to it', hint: 'check the network and the option host' }
    case 'PROTOCOL_CONNECTION_LOST':
    case 'ECONNRESET':
    case 'EPIPE':
      return { what: 'connection lost before the answer was complete', hint: 'has it been stopped? Its log may tell' }
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR':
      return {
        what: `access denied to user ${user}`,
        hint: `check the options user and password-file${tlsHint(settings)}`,
      }
    case 'ER_DBACCESS_DENIED_ERROR':
      return { what: `user ${user} may not use database ${database}`, hint: grant(settings) }
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
      return { what: shown(message), hint: grant(settings) }
    case 'ER_BAD_DB_ERROR':
      return { what: `it has no database ${database}`, hint: 'check the option database' }
    case 'ER_NO_SUCH_TABLE':
    case 'ER_BAD_FIELD_ERROR':
      return { what: shown(message), hint: tableHint(settings) }
    case 'ER_CON_COUNT_ERROR':
    case 'ER_TOO_MANY_USER_CONNECTIONS':
    case 'ER_USER_LIMIT_REACHED':
      return { what: 'it has too many connections', hint: 'try again later' }
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return { what: 'it does not offer TLS', hint: 'set it up there; without TLS the password is not safe' }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return { what: `its certificate is not for ${settings.tls?.servername}`, hint: 'check tls.servername' }
    default:
      if (isCertificateProblem(code))
        return { what: `its certificate is not trusted: ${shown(message)}`, hint: 'check tls.ca' }
      return { what: shown(message), hint: "the server's log may tell more" }
  }
}

/** Whether an answer failed because there is no such table. */
export const isMissingTable = (thrown: unknown): boolean => codeOf(thrown) === 'ER_NO_SUCH_TABLE'

const codeOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return ''
  // An error of TLS is wrapped by the driver; a host with several addresses fails with one error for all.
  const inner = [thrown, thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])]
  // The driver's own code hides that of a certificate with other names, which still tells the host it is not for.
  if ('cert' in thrown && 'host' in thrown) return 'ERR_TLS_CERT_ALTNAME_INVALID'
  for (const one of inner) if (one instanceof Error && 'code' in one && typeof one.code === 'string') return one.code
  // The driver has no code for a command on a connection which is gone already.
  if ('fatal' in thrown && thrown.fatal === true) return 'PROTOCOL_CONNECTION_LOST'
  return thrown.name
}

const isCertificateProblem = (code: string): boolean =>
  /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|TLS|SSL/.test(code)

const tlsHint = ({ tls }: Settings): string => (tls ? '' : '; an account which requires TLS needs the option tls')

const grant = ({ user, database }: Settings): string =>
  `as its administrator: GRANT SELECT ON ${database}.* TO '${user}'`

const tableHint = ({ source, warehouse }: Settings): string => {
  switch (source.kind) {
    case 'rocks':
      return 'is this the database of a ROCKS frontend?'
    case 'stoker':
      return `stoker warehouse init ${warehouse} creates the tables`
    case 'sql':
      return 'check the queries in the option sql'
    default:
      throw new Error(`unknown source: ${source satisfies never}`)
  }
}
