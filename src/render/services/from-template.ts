/** Files' texts from templates. */
import { compileTemplate, type Format } from '../../template/template.ts'
import type { RenderedFile, TemplateTexts } from '../service.ts'

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
  const compiled = compileTemplate(name, text, format)
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
