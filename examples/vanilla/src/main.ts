import { JobStore } from 'durably-py'
import { startApp } from 'durably-py/app'
import { monthlyReport } from './jobs/reports.py'

const find = <Kind extends Element>(selector: string): Kind => {
  const found = document.querySelector<Kind>(selector)
  if (!found) throw new Error(`the page has no ${selector}`)
  return found
}
const button = find<HTMLButtonElement>('button')
const status = find('[role=status]')
const list = find('ol')

const durably = await startApp()
// Shows the run that is under way, also after a reload, and each one that is triggered.
const report = new JobStore(durably, monthlyReport)

function show(): void {
  const { status: state, progress, output, error } = report.getSnapshot()
  const done = progress ? `${progress.current}/${progress.total}` : ''
  status.textContent = error ?? `${state ?? 'Nothing was asked for yet'} ${done}`
  list.replaceChildren(
    ...(output?.lines ?? []).map((line) =>
      Object.assign(document.createElement('li'), { textContent: line }),
    ),
  )
}

report.subscribe(show)
show()
button.disabled = false
button.addEventListener('click', () => void report.trigger({ month: '2026-11' }))
