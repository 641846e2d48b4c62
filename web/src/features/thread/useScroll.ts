import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const NEAR_END_PX = 48;

/**
 * The transcript stays at its end as long as the reader is there. One who scrolls up is never pulled down, and
 * is at the end again only by scrolling there, or by asking for it.
 */
export function useScroll(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const pinned = useRef(true);
  const top = useRef(0);
  const [away, setAway] = useState(false);

  const toEnd = useCallback(() => {
    const node = scroller.current;
    pinned.current = true;
    setAway(false);
    if (node !== null) {
      node.scrollTop = node.scrollHeight;
      top.current = node.scrollTop;
    }
  }, [scroller]);

  const letGo = useCallback(() => {
    pinned.current = false;
  }, []);

  useEffect(() => {
    const node = scroller.current;
    if (node === null || content.current === null) {
      return;
    }
    const scrolled = () => {
      const left = node.scrollHeight - node.clientHeight - node.scrollTop;
      const up = node.scrollTop < top.current;
      if (left <= 2 || (left <= NEAR_END_PX && !up)) {
        pinned.current = true;
      } else if (up) {
        pinned.current = false;
      }
      top.current = node.scrollTop;
      setAway(!pinned.current);
    };
    // A wheel or a finger that goes up says what the reader wants before the place shows it.
    const wheel = (event: WheelEvent) => {
      if (event.deltaY < 0 && node.scrollTop > 0) {
        pinned.current = false;
      }
    };
    const grown = new ResizeObserver(() => {
      if (pinned.current) {
        node.scrollTop = node.scrollHeight;
        top.current = node.scrollTop;
      }
    });
    grown.observe(content.current);
    grown.observe(node);
    node.addEventListener("scroll", scrolled, { passive: true });
    node.addEventListener("wheel", wheel, { passive: true });
    return () => {
      grown.disconnect();
      node.removeEventListener("scroll", scrolled);
      node.removeEventListener("wheel", wheel);
    };
  }, [scroller, content]);

  return { away, toEnd, letGo };
}
