/** Follows a rendering: which line of the template each line of the text comes from. */
import type Handlebars from 'handlebars'

/** Notes what is written, in the order in which it is written: handlebars runs a template from its start to its end. */
export class Trace {
  /** The template's line for each line of the text, from 1. A line which several have part in is the first one's. */
  readonly lines: number[] = []
  #atStart = true

  /** Sends all that the program writes past this trace; returns the further helpers which it calls for that. */
  attach(engine: typeof Handlebars, program: hbs.AST.Program): readonly string[] {
    const pieces: Piece[] = []
    divert(program, pieces)
    engine.registerHelper(CONTENT, (index: number) => {
      const { text, line } = pieces[index] as Piece
      this.#note(text, line, 1)
      return text
    })
    engine.registerHelper(VALUE, (value: unknown, line: number) => {
      const text = String(value ?? '')
      this.#note(text, line, 0)
      return text
    })
    return [CONTENT, VALUE]
  }

  #note(text: string, from: number, step: 0 | 1): void {
    let line = from
    for (let at = 0; at < text.length; ) {
      if (this.#atStart) this.lines.push(line)
      const end = text.indexOf('\n', at)
      this.#atStart = end >= 0
      if (end < 0) return
      at = end + 1
      line += step
    }
  }
}

// No path in a template can be called so.
const CONTENT = ' content'
const VALUE = ' value'

interface Piece {
  readonly text: string
  readonly line: number
}

/** Turns what is between the braces, and each pair of braces, into calls of helpers. */
const divert = (program: hbs.AST.Program, pieces: Piece[]): void => {
  program.body = program.body.map(statement => {
    const { type, loc } = statement
    if (type === 'ContentStatement') {
      const index = pieces.push(pieceOf(statement as unknown as Content)) - 1
      return calling(CONTENT, [number(index, loc)], loc)
    }
    if (type === 'MustacheStatement') {
      const { path, params, hash } = statement as hbs.AST.MustacheStatement
      const inner: hbs.AST.SubExpression = {
        type: 'SubExpression',
        path: path as hbs.AST.PathExpression,
        params,
        hash,
        loc,
      }
      return calling(VALUE, [inner, number(loc.start.line, loc)], loc)
    }
    const { program: body, inverse } = statement as Partial<hbs.AST.BlockStatement>
    for (const part of [body, inverse]) if (part) divert(part, pieces)
    return statement
  })
}

/** Text of a template: handlebars has taken white space off `original` where a block's braces stand alone on their line. */
interface Content {
  readonly value: string
  readonly original: string
  readonly loc: hbs.AST.SourceLocation
}

const pieceOf = ({ value, original, loc }: Content): Piece => {
  // Of blank lines alone it has taken the first one.
  const before = original.slice(0, Math.max(original.lastIndexOf(value), 0))
  return { text: value, line: loc.start.line + before.split('\n').length - 1 }
}

const calling = (
  helper: string,
  params: hbs.AST.Expression[],
  loc: hbs.AST.SourceLocation,
): hbs.AST.MustacheStatement => ({
  type: 'MustacheStatement',
  path: {
    type: 'PathExpression',
    data: false,
    depth: 0,
    parts: [helper],
    original: helper,
    loc,
  } as hbs.AST.PathExpression,
  params,
  hash: undefined as unknown as hbs.AST.Hash,
  escaped: false,
  strip: { open: false, close: false },
  loc,
})

const number = (value: number, loc: hbs.AST.SourceLocation): hbs.AST.NumberLiteral => ({
  type: 'NumberLiteral',
  value,
  original: value,
  loc,
})
