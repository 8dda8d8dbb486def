/** Files' texts from templates. */
import { compileTemplate, type Format, type Template } from '../../template/template.ts'
import type { RenderedFile, TemplateTexts } from './service.ts'

type FromTemplate = Required<Pick<RenderedFile, 'text' | 'template'>>

/** One file from one template. Throws `CONFIG` with the template's line where it is wrong, or a value does not fit. */
export const fromTemplate = async (
  templates: TemplateTexts,
  template: string,
  format: Format,
  data: object,
): Promise<FromTemplate> => (await eachFromTemplate(templates, template, format))(data)

/** Many files from one template, likewise. */
export const eachFromTemplate = async (
  templates: TemplateTexts,
  template: string,
  format: Format,
): Promise<(data: object) => FromTemplate> => {
  const { name, text } = await templates(template)
  const compiled = compiledOnce(name, text, format)
  return data => {
    let lines: readonly number[] | undefined
    const lineOf = (line: number): number | undefined => {
      // Only asked when something is wrong, or somebody wants to know.
      lines ??= compiled.lines(data)
      return lines[line - 1]
    }
    return { text: compiled.render(data), template: { name, lineOf } }
  }
}

/** Compiling takes longer than rendering a small site; what is rendered again and again is compiled when its text changes. */
const compiledOnce = (name: string, text: string, format: Format): Template => {
  const ofFormat = COMPILED.get(format) ?? new Map<string, { readonly text: string; readonly template: Template }>()
  COMPILED.set(format, ofFormat)
  const known = ofFormat.get(name)
  if (known?.text === text) return known.template
  const template = compileTemplate(name, text, format)
  ofFormat.set(name, { text, template })
  return template
}

const COMPILED = new WeakMap<Format, Map<string, { readonly text: string; readonly template: Template }>>()
