/** A zone and its records, before they are put in the words of a name server. Pure. */

/** One resource record; the owner is relative to its zone, `@` the zone itself; data which is a name ends in a dot. */
export interface ZoneRecord {
  readonly owner: string
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'NS'
  readonly data: string
}

export interface Zone {
  /** Without a dot at its end. */
  readonly name: string
  readonly records: readonly ZoneRecord[]
}
