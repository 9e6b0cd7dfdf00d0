// Where a chat stands: at its newest message, until its reader goes up to older ones.

const NEAR_END_PX = 120; // so near the end, new messages are followed

/** Keeps a scrolled element at its end while its content, or the room for it, changes. */
export class Follower {
  constructor(scroll, content) {
    this.scroll = scroll;
    this.following = true;
    this.note();
    scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    const sizes = new ResizeObserver(() => this.resized()); // pictures that load, too; before anything is painted
    sizes.observe(scroll);
    sizes.observe(content);
  }

  /** Show the end, and what comes from now on. */
  toEnd() {
    this.following = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.note();
  }

  resized() {
    if (this.following) this.toEnd();
    else this.note();
  }

  /** The event does not say who has scrolled. A reader goes up in a content that stays as it is; what moves by itself
   * goes down, or moves since a size has changed. */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    if (!clientHeight) return; // not shown: everything is 0, and nobody has scrolled
    const same = scrollHeight === this.height && clientHeight === this.room;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) this.following = true;
    else if (same && scrollTop < this.top) this.following = false;
    this.note();
  }

  note() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    Object.assign(this, { top: scrollTop, height: scrollHeight, room: clientHeight });
  }
}
