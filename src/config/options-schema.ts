/**
 * What parses options, of whichever library: Standard Schema (standardschema.dev), which zod, Valibot, ArkType and others
 * follow. Ours are made with zod; those of third parties need not be.
 */

/** Parses anything into an `O`, or reports all that is wrong with it. It has to answer at once, without a promise. */
export interface OptionsSchema<O> {
  readonly '~standard': {
    readonly version: 1
    /** The library. */
    readonly vendor: string
    readonly validate: (value: unknown) => Validation<O> | Promise<Validation<O>>
    /** For the compiler only: nothing is there when the program runs. */
    readonly types?: { readonly input: unknown; readonly output: O } | undefined
  }
}

export type Validation<O> =
  | { readonly value: O; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] }

export interface ValidationIssue {
  readonly message: string
  /** Where it is, from the outside to the inside; some libraries wrap each step. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
