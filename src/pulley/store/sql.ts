/**
 * Statements of SQL, written as they are sent: sql`SELECT * FROM vos WHERE name = ${name}`. What stands in `${}` is bound as a
 * parameter, never pasted into the text; the databases take nothing but statements which were made here.
 */

export type Value = string | number | null | Uint8Array

/** A statement, or a part of one. */
export class Sql {
  /** With `?` for each value. */
  readonly text: string
  readonly values: readonly Value[]

  constructor(text: string, values: readonly Value[]) {
    this.text = text
    this.values = values
  }
}

/** Parts of statements are joined to the text, `undefined` is bound as NULL, everything else as it is. */
export const sql = (texts: TemplateStringsArray, ...parts: readonly (Value | undefined | Sql)[]): Sql => {
  let text = texts[0] ?? ''
  const values: Value[] = []
  for (const [i, part] of parts.entries()) {
    if (part instanceof Sql) values.push(...part.values)
    else values.push(part ?? null)
    text += `${part instanceof Sql ? part.text : '?'}${texts[i + 1]}`
  }
  return new Sql(text, values)
}

/** No part at all, where one is left out. */
export const NOTHING = sql``
