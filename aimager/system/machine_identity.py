"""What tells one machine from another, and where packages' scriptlets leave it.

Paths are shell wildcards, relative to the root. What makes itself anew is removed; where nothing
does, the image keeps it, for its service would not work without, and the user is told.
"""

MADE_ANEW = {
    "etc/machine-id": "systemd, at the first boot",
    "var/lib/dbus/machine-id": "dbus's tmpfiles, as a link to /etc/machine-id",
    "etc/hostid": "gethostid(3) has another without it; zgenhostid(8)",
    "var/lib/systemd/random-seed": "systemd-random-seed.service",
    "*/loader/random-seed": "systemd-boot-random-seed.service, on whichever path the ESP is",
    "boot/*/loader/random-seed": "systemd-boot-random-seed.service",
    "var/lib/systemd/credential.secret": "systemd-creds(1), when it first needs it",
    "var/lib/systemd/tpm2-srk-public-key.*": "systemd-tpm2-setup.service",
    "var/lib/systemd/home/local.p*": "systemd-homed.service, which signs homes with it",
    "var/lib/urandom/random-seed": "the boot scripts of systems without systemd",
    "var/lib/misc/random-seed": "the boot scripts of systems without systemd",
    "var/lib/seedrng/*": "seedrng(8)",
    # Keys of the package manager, of ssh and of users.
    "etc/pacman.d/gnupg": "pacman-keyring.service, which we leave in every image",
    "root/.gnupg": "gpg(1), when it is first run",
    "root/.rnd": "openssl(1), which no longer needs it",
    "etc/ssh/ssh_host_*": "sshdgenkeys.service",
    "etc/dropbear/*_host_key": "dropbear.service: dropbear(8) is run with -R",
    "etc/tinyssh/sshkeydir": "tinysshgenkeys.service",
    "var/lib/dkms/mok.*": "dkms(8), when it next builds a module",
    # Storage over networks: two hosts of one name may write to one volume, and lose it.
    "etc/nvme/host*": "the kernel and libnvme choose another without it",
    "usr/etc/nvme/host*": "the kernel and libnvme choose another without it",
    "etc/iscsi/initiatorname.iscsi": "iscsi-init.service",
    "etc/multipath/wwids": "multipathd(8)",
    "etc/multipath/bindings": "multipathd(8)",
    # Who a machine is to a DHCP server, and what it was given.
    "var/lib/NetworkManager/secret_key": "NetworkManager.service",
    "var/lib/NetworkManager/*.lease": "NetworkManager.service",
    "var/lib/dhcpcd/*": "dhcpcd(8)",
    "var/db/dhcpcd/*": "dhcpcd(8)",
    "etc/dhcpcd.duid": "dhcpcd(8) before its version 9",
    "etc/dhcpcd.secret": "dhcpcd(8) before its version 9",
    "var/lib/dhclient/*": "dhclient(8), whose lease files hold its DUID",
    "var/lib/dhcp/*.leases": "dhclient(8) and dhcpd(8)",
    "var/lib/wicked/*.xml": "wickedd(8)",
    "var/lib/kea/kea-*-serverid": "kea's servers",
    "var/lib/connman/*/settings": "connmand(8)",
    # Nodes of overlay networks and clusters.
    "var/lib/tailscale/tailscaled.state": "tailscaled(8), as a node that has not logged in",
    "var/lib/zerotier-one/identity.*": "zerotier-one(8)",
    "var/lib/zerotier-one/authtoken.secret": "zerotier-one(8)",
    "etc/yggdrasil.conf": "yggdrasil-default-config.service",
    "etc/cjdroute.conf": "cjdns.service",
    "var/lib/netbird/*.json": "netbird(8)",
    "etc/netbird/config.json": "netbird(8)",
    "var/lib/tor/keys": "tor(1)",
    "var/lib/tor/fingerprint*": "tor(1)",
    "var/lib/i2pd/router.*": "i2pd(1)",
    "var/lib/syncthing/*.pem": "syncthing(1)",
    "var/lib/rancher/k3s/server": "k3s server",
    "etc/rancher/node/password": "k3s agent",
    "var/lib/kubelet/pki": "kubelet",
    "var/lib/docker/engine-id": "dockerd(8)",
    "etc/docker/key.json": "dockerd(8) before its version 23",
    "var/lib/incus/server.*": "incusd(1)",
    "var/lib/lxd/server.*": "lxd(1)",
    "var/lib/consul/node-id": "consul(1)",
    "etc/salt/minion_id": "salt-minion(1)",
    "etc/salt/pki/*/*.p*": "salt-minion(1) and salt-master(1)",
    "etc/puppetlabs/puppet/ssl": "puppet-agent(8)",
    # Servers that make themselves a key or a number where they find none.
    "etc/cups/ssl/*": "cupsd(8), whose CreateSelfSignedCerts is yes",
    "etc/cockpit/ws-certs.d/0-self-signed*": "cockpit-certificate-ensure(8)",
    "var/lib/samba/private/secrets.*": "smbd(8), with a new SID",
    "var/lib/samba/private/tls": "samba(8)",
    "var/lib/sss/secrets/.secrets.mkey": "sssd-secrets(5)",
    "var/lib/libvirt/secrets/secrets-encryption-key": "virt-secret-init-encryption.service",
    "var/lib/fwupd/pki/*": "fwupd(8)",
    "var/lib/mysql/auto.cnf": "mysqld(8)",
    "var/lib/mysql/*.pem": "mysqld(8), whose auto_generate_certs is on",
    "var/lib/rabbitmq/.erlang.cookie": "erl(1)",
    "root/.erlang.cookie": "erl(1)",
    "var/lib/jenkins/secret*": "jenkins",
    "var/lib/jenkins/identity.key.enc": "jenkins",
    "var/lib/netdata/registry/*": "netdata(1)",
    "var/lib/netdata/cloud.d/private.pem": "netdata(1)",
    "var/lib/net-snmp/snmpd.conf": "snmpd(8), with a new engine id",
    "var/net-snmp/snmpd.conf": "snmpd(8), with a new engine id",
    "var/lib/postfix/prng_exch": "tlsmgr(8)",
}
"""What a first boot, or the service when it is first started, makes anew, and who does."""

TRACES = (
    "var/cache/ldconfig/aux-cache",
    "var/log/pacman.log",
    "var/log/journal/*",
    "etc/.pwd.lock",
)
"""Traces of the build, which differ from one to the next."""

KEPT = (
    "etc/munge/munge.key",  # meant to be the same on a cluster's nodes, and never made by itself
    "etc/rndc.key",  # named(8) runs without one, but rndc(8) does not
    "etc/bind/rndc.key",
    "etc/named/rndc.key",
    "etc/brlapi.key",
    "etc/xrdp/rsakeys.ini",
    "etc/krb5.keytab",
    "var/lib/krb5kdc/.k5.*",
    "var/kerberos/krb5kdc/.k5.*",
    "etc/corosync/authkey",
    "etc/pacemaker/authkey",
    "etc/keepalived/*.key",
    "var/lib/opendnssec/*/*.key",
    "etc/tinc/*/*.priv",
    "etc/wireguard/*",
    "etc/ipsec.secrets",
    "etc/ipsec.d/*.db",
    "etc/ppp/*-secrets",
    "etc/chrony.keys",
    "etc/ntp.keys",
    "root/.ssh/id_*",
    "etc/cryptsetup-keys.d/*",
    "var/lib/sbctl/keys/*/*.key",
    "etc/secureboot/keys/*/*.key",
    "etc/credstore*/*",
)
"""Secrets, where no package owns the file, that nothing would make anew."""

PRIVATE_KEY = (
    rb"^\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"  # RFC 7468, OpenSSH, RFC 9580
    rb"|^\s*-----BEGIN OpenVPN Static key V1-----"
    rb"|^PuTTY-User-Key-File-[0-9]: "
    rb"|^Private-key-format: v1\."  # dnssec-keygen(8)
    rb"|^AGE-SECRET-KEY-1"
    rb"|^\s*PrivateKey\s*=\s*[A-Za-z0-9+/]{43}="  # wg(8)
)
"""How a private key begins, at the beginning of a line."""
