/** The tables, in the words both databases share. Texts of a fixed kind are VARCHAR, because MySQL has no keys of long text. */
import { sql } from '../sql.ts'
import type { Migration } from './migration.ts'

export const version1: Migration = {
  version: 1,
  title: 'make the tables',
  statements: ({ text, bytes, table }) => [
    sql`CREATE TABLE IF NOT EXISTS secrets (name VARCHAR(64) NOT NULL PRIMARY KEY, value VARCHAR(255) NOT NULL)${table}`,
    sql`CREATE TABLE IF NOT EXISTS vos (
      name VARCHAR(63) NOT NULL PRIMARY KEY, public_key VARCHAR(43) NOT NULL, created BIGINT NOT NULL,
      successions ${text} NOT NULL, revision BIGINT NOT NULL DEFAULT 1)${table}`,
    sql`CREATE TABLE IF NOT EXISTS tokens (
      id VARCHAR(64) NOT NULL PRIMARY KEY, vo VARCHAR(63) NOT NULL, hash VARCHAR(64) NOT NULL UNIQUE,
      uses_left BIGINT NOT NULL, expires BIGINT NOT NULL, name_pattern VARCHAR(255), roles ${text} NOT NULL,
      created BIGINT NOT NULL, last_used BIGINT, revoked BIGINT)${table}`,
    sql`CREATE TABLE IF NOT EXISTS nodes (
      id VARCHAR(64) NOT NULL PRIMARY KEY, vo VARCHAR(63) NOT NULL, name VARCHAR(253) NOT NULL, held_name VARCHAR(253),
      roles ${text} NOT NULL, public_key VARCHAR(43) NOT NULL UNIQUE, seal_key VARCHAR(43) NOT NULL,
      fingerprint ${text} NOT NULL, token VARCHAR(64) NOT NULL, enrolled BIGINT NOT NULL, clone_of VARCHAR(64),
      revoked BIGINT, clones_seen BIGINT NOT NULL DEFAULT 0, rolled_back BIGINT, turn BIGINT NOT NULL DEFAULT 0,
      boot_id VARCHAR(64), version VARCHAR(64) NOT NULL, addresses ${text}, last_contact BIGINT,
      poll_interval BIGINT NOT NULL DEFAULT 60, serial_applied BIGINT NOT NULL DEFAULT 0, last_report ${text},
      UNIQUE (vo, held_name))${table}`,
    sql`CREATE TABLE IF NOT EXISTS nonces (nonce VARCHAR(160) NOT NULL PRIMARY KEY, expires BIGINT NOT NULL)${table}`,
    // In pieces, because a MySQL server takes only so much at once.
    sql`CREATE TABLE IF NOT EXISTS blobs (
      vo VARCHAR(63) NOT NULL, sha256 VARCHAR(64) NOT NULL, piece BIGINT NOT NULL, pieces BIGINT NOT NULL,
      content ${bytes} NOT NULL, PRIMARY KEY (vo, sha256, piece))${table}`,
    sql`CREATE TABLE IF NOT EXISTS bundles (
      vo VARCHAR(63) NOT NULL, serial_number BIGINT NOT NULL, envelope ${text} NOT NULL,
      content_sha256 VARCHAR(64) NOT NULL, created BIGINT NOT NULL, note ${text} NOT NULL, waves ${text} NOT NULL,
      PRIMARY KEY (vo, serial_number))${table}`,
    sql`CREATE TABLE IF NOT EXISTS actions (
      id VARCHAR(64) NOT NULL PRIMARY KEY, vo VARCHAR(63) NOT NULL, node VARCHAR(64) NOT NULL, batch VARCHAR(64) NOT NULL,
      name VARCHAR(200) NOT NULL, envelope ${text} NOT NULL, state VARCHAR(16) NOT NULL,
      cancel_asked BIGINT NOT NULL DEFAULT 0, created BIGINT NOT NULL, expires BIGINT NOT NULL, fetched BIGINT,
      started BIGINT, attempt VARCHAR(64), finished BIGINT, result ${text},
      output_bytes BIGINT NOT NULL DEFAULT 0)${table}`,
    sql`CREATE TABLE IF NOT EXISTS outputs (
      action VARCHAR(64) NOT NULL, piece BIGINT NOT NULL, stream VARCHAR(8) NOT NULL, content ${bytes} NOT NULL,
      PRIMARY KEY (action, piece))${table}`,
    sql`CREATE TABLE IF NOT EXISTS reports (
      id VARCHAR(64) NOT NULL PRIMARY KEY, vo VARCHAR(63) NOT NULL, node VARCHAR(64) NOT NULL, happened BIGINT NOT NULL,
      received BIGINT NOT NULL, report ${text} NOT NULL)${table}`,
  ],
}
