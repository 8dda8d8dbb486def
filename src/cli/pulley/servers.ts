/** Options for where a pulley server is. */
import { listOption, required, valueOption } from '../options/option.ts'
import { serverUrl } from '../options/values.ts'

export const SERVER = required(listOption('--server <url>', 'use the server at this address', serverUrl))
export const CA = valueOption('--ca <file>', 'trust the certificates in this PEM file')
