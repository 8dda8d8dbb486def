/**
 * Polls without news, which are nearly all there is to do: answered from memory, before anything looks at the request that
 * other requests need.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from './context.ts'
import type { Place } from './world.ts'

/** The place whose session the headers show; `undefined`: none. */
export const placeOf = (headers: IncomingHttpHeaders, { sessions, now }: Context): Place | undefined => {
  const [, session] = /^Bearer (\S{1,200})$/.exec(headers.authorization ?? '') ?? []
  return session === undefined ? undefined : sessions.check(session, now())
}

/** Answers such a poll; `false`: it is another request, or not so easy. */
export const answerUnchanged = (request: IncomingMessage, response: ServerResponse, context: Context): boolean => {
  if (request.method !== 'GET' || request.url !== '/v1/poll') return false
  const { 'if-none-match': asked } = request.headers
  const place = asked === undefined ? undefined : placeOf(request.headers, context)
  const standing = place && context.world.remembered(place)
  if (!place || !standing || standing.etag !== asked) return false
  const { limits, contacts, metrics, settings } = context
  const now = context.now()
  if (!limits.polls.has(place.node, now)) return false
  limits.polls.take(place.node, now)
  contacts.note(place.node, now, settings.interval)
  metrics.count('polls')
  metrics.count('unchanged_polls')
  response.writeHead(304, ['etag', standing.etag, 'pulley-next', String(settings.interval)]).end()
  return true
}
