# What `make install` puts under $(DESTDIR)$(PREFIX), in one list, so that `make uninstall` removes exactly that.

BINDIR := $(DESTDIR)$(PREFIX)/bin
DATADIR := $(DESTDIR)$(PREFIX)/share/medprobe
CONFIGS := $(sort $(shell find configs -type f))
MAN1 := $(sort $(wildcard docs/man/*.1))
# bash-completion loads the file that is called as the program.
COMPLETIONS := $(addprefix $(DESTDIR)$(PREFIX)/share/bash-completion/completions/,medprobe $(LINKS))

INSTALLED := $(BINDIR)/medprobe $(addprefix $(BINDIR)/,$(LINKS)) $(DESTDIR)$(PREFIX)/lib/libmedprobe.a \
	$(DESTDIR)$(PREFIX)/lib/pkgconfig/medprobe.pc \
	$(patsubst include/%,$(DESTDIR)$(PREFIX)/include/%,$(wildcard include/medprobe/*.h)) \
	$(patsubst configs/%,$(DATADIR)/%,$(CONFIGS)) \
	$(patsubst docs/man/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(MAN1)) $(COMPLETIONS)

install: all $(LIBRARY)
	install -d $(sort $(dir $(INSTALLED)))
	install -m 755 bin/medprobe $(BINDIR)/medprobe
	for l in $(LINKS); do ln -sf medprobe $(BINDIR)/$$l; done
	install -m 644 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/libmedprobe.a
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@PACKAGES@|$(PACKAGES)|' \
		-e 's|@LIBS@|$(PLAIN_LIBS)|' scripts/medprobe.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/medprobe.pc
	for f in $(patsubst include/%,%,$(wildcard include/medprobe/*.h)); do \
		install -m 644 include/$$f $(DESTDIR)$(PREFIX)/include/$$f; done
	for f in $(patsubst configs/%,%,$(CONFIGS)); do install -m 644 configs/$$f $(DATADIR)/$$f; done
	for f in $(notdir $(MAN1)); do install -m 644 docs/man/$$f $(DESTDIR)$(PREFIX)/share/man/man1/$$f; done
	install -m 644 docs/completion/medprobe.bash $(firstword $(COMPLETIONS))
	for f in $(filter-out $(firstword $(COMPLETIONS)),$(COMPLETIONS)); do ln -sf medprobe $$f; done

uninstall:
	rm -f $(INSTALLED)
	-rmdir -p $(sort $(filter $(DATADIR)/% $(DESTDIR)$(PREFIX)/include/medprobe/%,$(dir $(INSTALLED)))) 2>/dev/null

dist:
	git archive --prefix=medprobe-$(VERSION)/ -o medprobe-$(VERSION).tar.gz HEAD
