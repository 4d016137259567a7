/** The inspector's styles: one constructed sheet for all shadow roots, which a strict CSP allows. */

import base from './styles/base.css?inline'
import controls from './styles/controls.css?inline'
import form from './styles/form.css?inline'
import json from './styles/json.css?inline'
import parts from './styles/parts.css?inline'
import run from './styles/run.css?inline'
import runs from './styles/runs.css?inline'
import steps from './styles/steps.css?inline'

let sheet: CSSStyleSheet | null = null

/** Give *shadow* the styles; returns it. */
export function styled(shadow: ShadowRoot): ShadowRoot {
  if (sheet === null) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync([base, controls, parts, runs, run, steps, json, form].join('\n'))
  }
  shadow.adoptedStyleSheets = [sheet]
  return shadow
}
