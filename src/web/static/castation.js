/* What the pages gain from JavaScript; every flow works without it. No text stands here: words come from #script-texts in
 * the layout's foot. Hooks, all attributes:
 *   <div data-viewer><img …></div>       zoom and rotate, by buttons and keys (+ - 0 [ ])
 *   <input type=file data-upload>         its form is sent when a file was chosen; its submit button (.no-js-only) hides
 *   <form|button data-confirm="…?">      asks first, in a dialog
 *   <form data-autosave>                  sent by fetch every 20 s when it was changed, with autosave=1; 204 = saved
 *   <button data-print>, <button data-copy="text"> (or data-copy="#id": that element's text)
 *   <… data-when="field=value">          shown while the form's field has that value
 *   <select data-submit>                  its form is sent when it was changed */
(function () {
  'use strict';
  var doc = document, root = doc.documentElement;
  root.classList.add('js');

  function words(key) {
    var node = doc.getElementById('script-texts');
    return (node && node.dataset[key]) || '';
  }
  function make(tag, cls, text) {
    var node = doc.createElement(tag);
    if (cls) node.className = cls;
    if (text) node.textContent = text;
    return node;
  }
  function each(scope, selector, run) {
    Array.prototype.forEach.call(scope.querySelectorAll(selector), run);
  }
  function say(text) {
    var toast = doc.querySelector('.toast');
    if (!toast) {
      toast = make('div', 'toast');
      toast.setAttribute('role', 'status');
      doc.body.appendChild(toast);
    }
    toast.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(function () { toast.textContent = ''; }, 5000);
  }
  function send(form, button) {
    if (form.requestSubmit) form.requestSubmit(button || undefined);
    else form.submit();
  }

  /* ---- a viewer: an image is scaled and turned inside its stage ---- */
  function viewer(stage) {
    var img = stage.querySelector('img');
    if (!img || stage.dataset.ready) return;
    stage.dataset.ready = '1';
    var zoom = 1, turn = 0;
    function apply() {
      var side = turn % 180 !== 0, w = img.naturalWidth || 1, h = img.naturalHeight || 1;
      var fit = Math.min(1, (stage.clientWidth - 2) / (side ? h : w));
      var width = w * fit * zoom, height = h * fit * zoom, pad = (width - height) / 2;
      img.style.maxWidth = 'none';
      img.style.width = width + 'px';
      img.style.height = height + 'px';
      img.style.transform = 'rotate(' + turn + 'deg)';
      img.style.marginTop = img.style.marginBottom = side ? pad + 'px' : '0';
      img.style.marginLeft = img.style.marginRight = side ? Math.max(-pad, (stage.clientWidth - width) / 2) + 'px' : 'auto';
    }
    var acts = {
      zoomIn: function () { zoom = Math.min(8, zoom * 1.25); },
      zoomOut: function () { zoom = Math.max(0.25, zoom / 1.25); },
      left: function () { turn = (turn + 270) % 360; },
      right: function () { turn = (turn + 90) % 360; },
      reset: function () { zoom = 1; turn = 0; }
    };
    var keys = { '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', '[': 'left', ']': 'right', '0': 'reset' };
    function act(name) { acts[name](); apply(); }
    var tools = make('div', 'viewer-tools');
    tools.setAttribute('role', 'group');
    tools.setAttribute('aria-label', words('tools'));
    [['zoomIn', '+'], ['zoomOut', '-'], ['left', '['], ['right', ']'], ['reset', '0']].forEach(function (t) {
      var button = make('button', 'btn btn-small', words(t[0]));
      button.type = 'button';
      button.title = t[1];
      button.addEventListener('click', function () { act(t[0]); });
      tools.appendChild(button);
    });
    stage.parentNode.insertBefore(tools, stage);
    stage.tabIndex = 0;
    stage.setAttribute('role', 'region');
    if (!stage.getAttribute('aria-label')) stage.setAttribute('aria-label', img.alt || words('tools'));
    stage.addEventListener('keydown', function (e) {
      if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
      e.preventDefault();
      act(keys[e.key]);
    });
    if (img.complete && img.naturalWidth) apply();
    else img.addEventListener('load', apply);
    window.addEventListener('resize', apply);
  }

  /* ---- asking first ---- */
  function ask(text, go) {
    var box = make('dialog', 'dialog');
    if (!box.showModal) {
      if (window.confirm(text)) go();
      return;
    }
    var title = make('h2', '', words('confirmTitle')), row = make('div', 'actions actions-end');
    var no = make('button', 'btn', words('cancel')), yes = make('button', 'btn btn-primary', words('ok'));
    title.id = 'dialog-title';
    box.setAttribute('aria-labelledby', title.id);
    no.type = yes.type = 'button';
    no.addEventListener('click', function () { box.close(); });
    yes.addEventListener('click', function () { box.close(); go(); });
    box.addEventListener('close', function () { box.remove(); });
    row.appendChild(no);
    row.appendChild(yes);
    [title, make('p', '', text), row].forEach(function (n) { box.appendChild(n); });
    doc.body.appendChild(box);
    box.showModal();
  }
  doc.addEventListener('submit', function (e) {
    var form = e.target, button = e.submitter;
    var text = (button && button.dataset.confirm) || form.dataset.confirm;
    if (text && !form.dataset.confirmed) {
      e.preventDefault();
      ask(text, function () {
        form.dataset.confirmed = '1';
        send(form, button);
        delete form.dataset.confirmed;
      });
      return;
    }
    form.dataset.sent = '1';
  });

  /* ---- uploading, choosing, printing, copying ---- */
  doc.addEventListener('change', function (e) {
    var t = e.target;
    if (t.matches('input[type=file][data-upload]') && t.files.length) {
      say(words('uploading'));
      send(t.form);
    } else if (t.matches('select[data-submit]')) {
      send(t.form);
    }
    if (t.form) whens(t.form);
  });
  doc.addEventListener('click', function (e) {
    var t = e.target.closest('[data-print],[data-copy]');
    if (!t) {
      each(doc, 'details.menu[open]', function (menu) { if (!menu.contains(e.target)) menu.open = false; });
      return;
    }
    if (t.hasAttribute('data-print')) { window.print(); return; }
    var what = t.dataset.copy, from = what.charAt(0) === '#' ? doc.querySelector(what) : null;
    if (navigator.clipboard)
      navigator.clipboard.writeText(from ? from.textContent.trim() : what).then(function () { say(words('copied')); });
  });
  doc.addEventListener('keydown', function (e) {
    if (e.key !== 'Escape') return;
    each(doc, 'details.menu[open]', function (menu) { menu.open = false; menu.querySelector('summary').focus(); });
  });

  /* ---- parts of a form that only matter at another field's value ---- */
  function whens(form) {
    each(form, '[data-when]', function (part) {
      var want = part.dataset.when.split('='), field = form.elements[want[0]];
      part.hidden = !!field && field.value !== want[1];
    });
  }

  /* ---- autosave ---- */
  function typed(form) { return new URLSearchParams(new FormData(form)).toString(); }
  function autosave(form) {
    if (form.dataset.ready) return;
    form.dataset.ready = '1';
    var last = typed(form), note = form.querySelector('[data-autosave-note]');
    if (!note) {
      note = make('p', 'saved-note');
      form.appendChild(note);
    }
    note.setAttribute('role', 'status');
    window.addEventListener('pagehide', function () { /* whoever leaves by a link loses nothing */
      var now = typed(form);
      if (now !== last && !form.dataset.sent && navigator.sendBeacon)
        navigator.sendBeacon(form.action, new URLSearchParams(now + '&autosave=1'));
    });
    function save() {
      var now = typed(form);
      return fetch(form.action, {
        method: 'POST', credentials: 'same-origin', redirect: 'manual',
        signal: AbortSignal.timeout ? AbortSignal.timeout(5000) : undefined,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: now + '&autosave=1'
      }).then(function (answer) {
        if (answer.status !== 204) throw new Error();
        last = now;
        note.textContent = words('saved') + ' ' + new Date().toTimeString().slice(0, 5);
      }).catch(function () { note.textContent = words('notSaved'); });
    }
    setInterval(function () {
      if (typed(form) !== last && !form.dataset.sent && !doc.hidden) save();
    }, 20000);
    doc.addEventListener('click', function (e) { /* saved first: the next page may be this form, in another language */
      var link = e.target.closest('a[href]');
      if (!link || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || link.target ||
          link.origin !== location.origin || link.getAttribute('href').charAt(0) === '#' || typed(form) === last) return;
      e.preventDefault();
      save().then(function () { location.assign(link.href); });
    });
  }

  /* A table that scrolls can be reached by the keyboard. */
  function tables(scope) {
    each(scope, '.table-wrap, .text-box', function (wrap) {
      if (wrap.scrollWidth <= wrap.clientWidth && wrap.scrollHeight <= wrap.clientHeight) return;
      var caption = wrap.querySelector('caption');
      wrap.tabIndex = 0;
      wrap.setAttribute('role', 'region');
      if (!wrap.getAttribute('aria-label') && !wrap.getAttribute('aria-labelledby'))
        wrap.setAttribute('aria-label', (caption && caption.textContent.trim()) || words('table'));
    });
  }
  function start(scope) {
    each(scope, '[data-viewer]', viewer);
    each(scope, 'form[data-autosave]', autosave);
    each(scope, 'form', whens);
    tables(scope);
  }
  start(doc);
  doc.addEventListener('htmx:load', function (e) { start(e.target); });
  window.addEventListener('resize', function () { tables(doc); });
  window.addEventListener('pageshow', function () { each(doc, 'form', function (f) { delete f.dataset.sent; }); });
  var errors = doc.getElementById('errors');
  if (errors) errors.focus();
}());
