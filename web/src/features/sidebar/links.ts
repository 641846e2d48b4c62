/** A plain click stays in the page; with a key held, the browser does what it always does. */
export function follow(event: React.MouseEvent, go: () => void): void {
  if (!(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0)) {
    event.preventDefault();
    go();
  }
}
