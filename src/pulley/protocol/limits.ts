/**
 * The bounds of the protocol. Schemas refuse what is beyond them, so whoever writes a message - command line, server, agent,
 * store - keeps to the same numbers; none of them is written down anywhere else. Texts are counted in UTF-16 code units.
 */
import { MAX_TIMER_MS } from '../../base/duration.ts'

/** Seconds between the polls of an agent. */
export const MIN_POLL_INTERVAL = 1
export const MAX_POLL_INTERVAL = 86_400
/** Seconds for which a server may hold a poll until there is news. */
export const MAX_LONG_POLL = 300

/** Nodes which one token admits. */
export const MAX_TOKEN_USES = 100_000
/** A token as text, and the pattern for the names it admits. */
export const MAX_TOKEN = 200
export const MAX_NAME_PATTERN = 253
/** Roles of a token or a node. */
export const MAX_ROLES = 50
export const ROLE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** A DNS name, and one part of it (RFC 1035). */
export const MAX_NODE_NAME = 253
export const MAX_NAME_LABEL = 63

/** What is new in a bundle, for the history. */
export const MAX_NOTE = 1000
/** Steps in which a bundle is spread. */
export const MAX_WAVES = 20
/** Bytes of a bundle's content, compressed. */
export const MAX_CONTENT = 128 * 1024 * 1024

/** Characters of a signed document in base64: a bundle names every node; a hundred orders have to fit into one answer. */
export const MAX_DOCUMENT = 8 * 1024 * 1024
export const MAX_ORDER = 1024 * 1024

/** What an order is called, and its actor. */
export const MAX_ORDER_NAME = 200
export const MAX_ACTOR_NAME = 64
/** Milliseconds: an agent ends an order with a timer. */
export const MAX_TIME_LIMIT = MAX_TIMER_MS
/** Orders which are queued in one request, and orders and cancellations in one answer to an agent. */
export const MAX_ORDERS_PER_REQUEST = 1000
export const MAX_ORDERS_PER_POLL = 100
export const MAX_CANCELLED_PER_POLL = 1000
/** Documents by which a VO's key was handed on: a node which has missed more of them has to enrol again. */
export const MAX_SUCCESSIONS = 20

/** Rows of a list which an administrator asks for. */
export const MAX_LISTED = 100_000

/** What a machine says of itself. */
export const MAX_MACHINE_ID = 64
export const MAX_MACS = 64
export const MAX_ADDRESSES = 32
export const MAX_VERSION = 64

/** How an action ended. */
export const MAX_MESSAGE = 4000
export const MAX_SIGNAL = 20
/** Characters of a piece of output in base64. */
export const MAX_OUTPUT_PIECE = 400_000

/** A report: its results, what each is about, the changes of each; and reasons why the newest bundle is not applied. */
export const MAX_RESULTS = 2000
export const MAX_RESULT_NAME = 500
export const MAX_CHANGES = 50
export const MAX_CHANGE = 500
export const MAX_TROUBLES = 20
export const MAX_TROUBLE_MESSAGE = 1000
export const MAX_REPORTS_PER_REQUEST = 100
