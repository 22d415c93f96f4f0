/**
 * The script of the page, which does one thing: every five seconds it replaces the sections by those of a page that it fetches anew. One
 * that somebody is reading with the keyboard stays. Without it the page is the same, and does not change.
 */
export const SCRIPT = `
'use strict'
const button = document.getElementById('refresh')
button.hidden = false
let isPaused = false
button.addEventListener('click', () => {
  isPaused = !isPaused
  button.setAttribute('aria-pressed', String(isPaused))
  button.textContent = isPaused ? 'Refresh again' : 'Stop refreshing'
})
async function refresh() {
  if (isPaused || document.hidden) return
  const response = await fetch(location.href, { cache: 'no-store' })
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  const fresh = [...page.querySelectorAll('[data-live]')]
  for (const section of document.querySelectorAll('[data-live]')) {
    const other = fresh.find((each) => each.id === section.id)
    const isSelected = getSelection().toString() !== '' && section.contains(getSelection().anchorNode)
    if (other === undefined || isSelected || section.contains(document.activeElement)) continue
    if (other.innerHTML !== section.innerHTML || other.className !== section.className) section.replaceWith(other)
  }
}
setInterval(() => refresh().catch(() => {}), 5000)
`
