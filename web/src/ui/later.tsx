/** Parts of the page that are not needed at once: they are loaded when it has come to rest, or when asked for. */

import { type ComponentType, lazy, Suspense } from "react";

const REST_MS = 1_500;

type Module<P> = { default: ComponentType<P> };

/** The component; nothing is shown before it is there, and a sentence where it cannot be loaded. */
export function later<P extends object>(load: () => Promise<Module<P>>): ComponentType<P> {
  setTimeout(() => load().catch(() => {}), REST_MS); // so that it is there when the server is not
  const Part = lazy(() => load().catch((): Module<P> => ({ default: Missing })));
  return (props: P) => (
    <Suspense>
      <Part {...props} />
    </Suspense>
  );
}

function Missing() {
  return <p role="alert">This part of the page could not be loaded. Load the page again; nothing is lost.</p>;
}
