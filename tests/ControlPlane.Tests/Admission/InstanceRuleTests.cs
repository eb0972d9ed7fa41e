using Troupe.ControlPlane.Admission.Configuration;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>One change to a good VMI at a time: what is refused, at which field and in which words, and what stays allowed.</summary>
public class InstanceRuleTests
{
    private const string Nic = """{ "name": "default", "masquerade": {} }""";

    [Theory]
    // Identity
    [InlineData("spec.hostname", "\"Bad_Name\"", "spec.hostname", "spec.hostname does not conform to the kubernetes DNS_LABEL rules : a lowercase RFC 1123 label")]
    [InlineData("spec.hostname", "\"a.b\"", "spec.hostname", "spec.hostname does not conform to the kubernetes DNS_LABEL rules : must not contain dots")]
    [InlineData("spec.topologySpreadConstraints", """[{ "maxSkew": 1, "topologyKey": "zone" }]""", "", "spec.topologySpreadConstraints.whenUnsatisfiable in body should be one of [DoNotSchedule ScheduleAnyway]")]
    [InlineData("spec.subdomain", "\"-x\"", "spec.subdomain", "spec.subdomain does not conform to the kubernetes DNS_SUBDOMAIN rules : ")]
    [InlineData("spec.startStrategy", "\"Running\"", "spec.startStrategy", "spec.startStrategy is set with an unrecognized option: Running")]
    [InlineData("spec.evictionStrategy", "\"Sometimes\"", "spec.evictionStrategy", "spec.evictionStrategy is set with an unrecognized option: Sometimes")]
    [InlineData("spec.serviceAccountName", "\"No\"", "spec.serviceAccountName", "spec.serviceAccountName is not a valid service account name: ")]
    [InlineData("spec.architecture", "\"vax\"", "spec.architecture", "unsupported architecture: vax")]
    // CPU
    [InlineData("spec.domain.resources.requests", """{ "cpu": "-1" }""", "spec.domain.resources.requests.cpu", "spec.domain.resources.requests.cpu '-1': must be greater than or equal to 0.")]
    [InlineData("spec.domain.resources", """{ "requests": { "cpu": "2" }, "limits": { "cpu": "1500m" } }""", "spec.domain.resources.requests.cpu",
        "spec.domain.resources.requests.cpu '2' is greater than spec.domain.resources.limits.cpu '1500m'")]
    [InlineData("spec.domain.cpu", """{ "isolateEmulatorThread": true }""", "spec.domain.cpu.isolateEmulatorThread", "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement")]
    [InlineData("spec.domain.cpu", """{ "features": [{ "name": "pcid", "policy": "maybe" }] }""", "spec.domain.cpu.features[0].policy", "CPU feature pcid uses policy maybe that is not supported.")]
    [InlineData("spec.domain.cpu", """{ "sockets": 4, "maxSockets": 2 }""", "spec.domain.cpu.sockets", "Number of sockets in CPU topology is greater than the maximum sockets allowed")]
    [InlineData("spec.domain.cpu", """{ "cores": 1, "threads": 3, "dedicatedCpuPlacement": true }""", "spec.domain.cpu.dedicatedCpuPlacement", "Not more than two threads must be provided at spec.domain.cpu.threads (got 3)")]
    [InlineData("spec.domain.cpu", """{ "realtime": {} }""", "spec.domain.cpu.dedicatedCpuPlacement", "spec.domain.cpu.dedicatedCpuPlacement must be set to true when spec.domain.cpu.realtime is used")]
    [InlineData("spec.domain.cpu", """{ "numa": { "guestMappingPassthrough": {} } }""", "spec.domain.cpu.numa.guestMappingPassthrough", "spec.domain.memory.hugepages must be requested when NUMA topology strategy is set")]
    // Memory
    [InlineData("spec.domain.resources.requests", """{ "memory": "1k" }""", "spec.domain.resources.requests.memory", "spec.domain.resources.requests.memory '1k': must be greater than or equal to 1M.")]
    [InlineData("spec.domain.resources", """{ "requests": { "memory": "2048Mi" }, "limits": { "memory": "1Gi" } }""", "spec.domain.resources.requests.memory",
        "spec.domain.resources.requests.memory '2Gi' is greater than spec.domain.resources.limits.memory '1Gi'")]
    [InlineData("spec.domain.memory", """{ "guest": "129Mi", "hugepages": { "pageSize": "2Mi" } }""", "spec.domain.resources.requests.memory", "is not a multiple of the page size spec.domain.memory.hugepages.pageSize '2Mi'")]
    [InlineData("spec.domain.memory", """{ "guest": "64Mi", "hugepages": { "pageSize": "1Gi" } }""", "spec.domain.resources.requests.memory", "must be equal to or larger than page size")]
    [InlineData("spec.domain.memory.hugepages", """{ "pageSize": "big" }""", "spec.domain.memory.hugepages.pageSize", "spec.domain.memory.hugepages.pageSize 'big': quantities must match")]
    [InlineData("spec.domain.memory", "{}", "", "no memory requested, at least one of 'spec.domain.memory.guest'")]
    [InlineData("spec.domain.memory.reservedOverhead", """{ "addedOverhead": "1Mi" }""", "spec.domain.memory.reservedOverhead", "Reserved overhead memlock feature gate is not enabled")]
    [InlineData("spec.domain.resources.limits", """{ "memory": "-1k" }""", "spec.domain.resources.limits.memory", "spec.domain.resources.limits.memory '-1k': must be greater than or equal to 0.")]
    [InlineData("spec.domain.resources", """{ "requests": { "memory": "2e9" }, "limits": { "memory": "1e9" } }""", "spec.domain.resources.requests.memory", "'2e9' is greater than spec.domain.resources.limits.memory '1e9'")]
    // Firmware and machine
    [InlineData("spec.domain.machine", """{ "type": "q35/9" }""", "spec.domain.machine.type", "spec.domain.machine.type is not supported: q35/9")]
    [InlineData("spec.domain.machine", """{ "type": "pc" }""", "spec.domain.machine.type", "spec.domain.machine.type is not supported: pc (allowed values: [q35* pc-q35*])")]
    [InlineData("spec.domain.firmware", """{ "bootloader": { "efi": {} } }""", "spec.domain", "spec.domain has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled.")]
    [InlineData("spec.domain.firmware", """{ "bootloader": { "efi": { "secureBoot": false }, "bios": {} } }""", "spec.domain.firmware.bootloader", "has both EFI and BIOS configured")]
    [InlineData("spec.domain.firmware", """{ "kernelBoot": { "kernelArgs": "quiet" } }""", "spec.domain.firmware.kernelBoot.kernelArgs", "kernel arguments cannot be provided without an external kernel")]
    [InlineData("spec.domain.firmware", """{ "kernelBoot": { "container": { "image": "i", "kernelPath": "../k" } } }""", "spec.domain.firmware.kernelBoot.container.kernelPath", "must be an absolute path to a file without relative components")]
    [InlineData("spec.domain.firmware", """{ "acpi": { "slicNameRef": "nope" } }""", "spec.acpi.slicNameRef", "spec.acpi does not have a matching Volume.")]
    // Disks
    [InlineData("spec.domain.devices.disks[0].name", "\"other\"", "spec.domain.devices.disks[0].name", "spec.domain.devices.disks[0].Name 'other' not found.")]
    [InlineData("spec.domain.devices.disks[0].disk.bus", "\"ide\"", "spec.domain.devices.disks[0].disk.bus", "IDE bus is not supported")]
    [InlineData("spec.domain.devices.disks[0]", """{ "name": "root", "cdrom": { "bus": "virtio" } }""", "spec.domain.devices.disks[0].cdrom.bus", "Bus type virtio is invalid for CD-ROM device")]
    [InlineData("spec.domain.devices.disks[0].disk", """{ "bus": "sata", "readonly": true }""", "spec.domain.devices.disks[0].disk.bus", "sata hard-disks do not support read-only.")]
    [InlineData("spec.domain.devices.disks[0].serial", "\"with space\"", "spec.domain.devices.disks[0].serial", "must be made up of the following characters [A-Za-z0-9_.+-]")]
    [InlineData("spec.domain.devices.disks[0].cache", "\"fast\"", "spec.domain.devices.disks[0].cache", "spec.domain.devices.disks[0].cache has invalid value fast")]
    [InlineData("spec.domain.devices.disks[0].bootOrder", "0", "spec.domain.devices.disks[0].bootOrder", "must have a boot order > 0, if supplied")]
    [InlineData("spec.domain.devices.disks[0].errorPolicy", "\"panic\"", "spec.domain.devices.disks[0].errorPolicy", "has invalid value \"panic\"")]
    [InlineData("spec.domain.devices.disks[0].blockSize", """{ "custom": { "logical": 1000, "physical": 4096 } }""", "spec.domain.devices.disks[0].blockSize.custom.logical", "Provided size of 1000 is not a power of 2")]
    [InlineData("spec.domain.devices.disks[0].blockSize", """{ "custom": { "logical": 8192, "physical": 512 } }""", "spec.domain.devices.disks[0].blockSize.custom.logical", "must be the same or less than the physical size of 512")]
    [InlineData("spec.domain.devices.disks[0].disk.pciAddress", "\"00:1\"", "spec.domain.devices.disks.domain.devices.disks.disk[0].pciAddress", "has malformed PCI address (00:1).")]
    [InlineData("spec.domain.devices.disks[0]", """{ "name": "root", "lun": { "bus": "scsi", "reservation": true } }""", "spec.domain.devices.disks.luns.reservation", "persistent reservation is not enabled in kubevirt config")]
    // Volumes
    [InlineData("spec.volumes[0]", """{ "name": "root" }""", "spec.volumes[0]", "spec.volumes[0] must have exactly one source type set")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "cloudInitNoCloud": {} }""", "spec.volumes[0].cloudInitNoCloud", "must have at least one userdatasource or one networkdatasource set.")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "cloudInitNoCloud": { "userData": "a", "userDataBase64": "YQ==" } }""", "spec.volumes[0].cloudInitNoCloud", "must have only one userdatasource set.")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "cloudInitConfigDrive": { "userDataBase64": "!!" } }""", "spec.volumes[0].cloudInitConfigDrive.userDataBase64", "is not a valid base64 value.")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "hostDisk": { "path": "/d", "type": "Disk" } }""", "spec.volumes[0]", "HostDisk feature gate is not enabled")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "dataVolume": { "name": "" } }""", "spec.volumes[0].name", "DataVolume 'name' must be set")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "secret": {} }""", "spec.volumes[0].secret.secretName", "spec.volumes[0].secret.secretName is a required field")]
    [InlineData("spec.volumes[0].containerDisk.path", "\"disk.img\"", "spec.volumes[0].containerDisk", "must be an absolute path to a file without relative components")]
    [InlineData("spec.volumes[0]", """{ "name": "root", "hostDisk": { "path": "/d", "type": "Any" } }""", "spec.volumes[0].hostDisk.type", "spec.volumes[0].hostDisk.type has invalid value 'Any', allowed are 'Disk' or 'DiskOrCreate'")]
    // Network
    [InlineData("spec.networks", """[{ "name": "default", "pod": {} }]""", "spec.networks[0].name", "spec.networks[0].name 'default' not found.")]
    [InlineData("spec.domain.devices.interfaces", $"[{Nic}]", "spec.domain.devices.interfaces[0].name", "Masquerade interface only implemented with pod network")]
    // Probes, DNS, credentials
    [InlineData("spec.readinessProbe", """{ "periodSeconds": 5 }""", "spec.readinessProbe", "either spec.readinessProbe.tcpSocket, spec.readinessProbe.exec or spec.readinessProbe.httpGet must be set")]
    [InlineData("spec.livenessProbe", """{ "exec": { "command": ["x"] }, "guestAgentPing": {} }""", "spec.livenessProbe", "spec.livenessProbe must have exactly one probe type set")]
    [InlineData("spec.dnsPolicy", "\"None\"", "spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")]
    [InlineData("spec.dnsConfig", """{ "nameservers": ["1.2"] }""", "nameservers", "must be valid IP address: 1.2")]
    [InlineData("spec.dnsConfig", """{ "nameservers": ["fe80::1%eth0"] }""", "nameservers", "must be valid IP address: fe80::1%eth0")]
    [InlineData("spec.accessCredentials", "[{}]", "spec.accessCredentials[0]", "must have exactly one access credential type set")]
    [InlineData("spec.accessCredentials", """[{ "sshPublicKey": { "source": { "secret": { "secretName": "s" } }, "propagationMethod": { "noCloud": {} } } }]""",
        "spec.accessCredentials[0].sshPublicKey.propagationMethod", "requires a noCloud volume to exist")]
    // Devices
    [InlineData("spec.domain.devices.inputs", """[{ "name": "i", "type": "mouse" }]""", "spec.domain.devices.inputs[0].type", "Input device can have only tablet type.")]
    [InlineData("spec.domain.devices.sound", """{ "name": "s", "model": "sb16" }""", "spec.Sound", "Sound device type is not supported. Options: 'ich9' or 'ac97'")]
    [InlineData("spec.domain.devices.video", """{ "type": "voodoo" }""", "spec.domain.devices.video.type", "video model 'voodoo' is not supported on amd64 architecture")]
    [InlineData("spec.domain.devices.watchdog", """{ "name": "w", "diag288": {} }""", "spec.domain.devices.watchdog", "amd64 only supports I6300ESB watchdog device")]
    [InlineData("spec.domain.devices.panicDevices", """[{ "model": "red" }]""", "spec.domain.devices.panicDevices[0].model", "invalid PanicDeviceModel(red)")]
    [InlineData("spec.domain.devices.autoattachVSOCK", "true", "spec.domain.devices.autoattachVSOCK", "VSOCK feature gate is not enabled in kubevirt-config")]
    [InlineData("spec.domain.devices.hostDevices", """[{ "name": "h", "deviceName": "d" }]""", "spec.HostDevices", "Host Devices feature gate is not enabled in kubevirt-config")]
    [InlineData("spec.domain.devices.gpus", """[{ "name": "g" }]""", "spec.domain.devices.gpus", "contains GPUs without deviceName or claimRequest")]
    [InlineData("spec.domain.ioThreadsPolicy", "\"many\"", "spec.domain.ioThreadsPolicy", "Invalid IOThreadsPolicy (many)")]
    [InlineData("spec.domain.ioThreadsPolicy", "\"supplementalPool\"", "spec.domain.ioThreads.count", "the number of iothreads needs to be set and positive")]
    [InlineData("spec.domain.launchSecurity", "{}", "spec.launchSecurity", "One and only one launchSecurity type can be set")]
    [InlineData("spec.domain.launchSecurity", """{ "sev": {} }""", "spec.launchSecurity", "SEV requires OVMF (UEFI)")]
    [InlineData("spec.domain.launchSecurity", """{ "tdx": {} }""", "spec.launchSecurity", "WorkloadEncryptionTDX feature gate is not enabled in kubevirt-config")]
    [InlineData("spec.domain.features", """{ "hyperv": { "synic": {}, "vpindex": { "enabled": false } } }""", "spec.domain.features.hyperv.domain.features.hyperv.synic", "requires 'spec.domain.features.hyperv.domain.features.hyperv.vpindex', which was disabled.")]
    [InlineData("spec.affinity", """{ "podAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [{ "topologyKey": "" }] } }""",
        "spec.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", "Required value: can not be empty")]
    [InlineData("spec.topologySpreadConstraints", """[{ "maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule" }]""", "spec.topologySpreadConstraints[0].maxSkew",
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero")]
    // Metadata
    [InlineData("metadata.labels", """{ "kubevirt.io/nodeName": "n" }""", "metadata.labels", "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited")]
    [InlineData("metadata.annotations", """{ "hooks.kubevirt.io/hookSidecars": "[]" }""", "metadata.annotations", "sidecar feature gate is not enabled in kubevirt-config")]
    public async Task A_bad_field_is_refused_by_its_name(string path, string json, string field, string message)
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json));

        var causes = verdict.Refusal?.Details?.Causes ?? [];
        Assert.True(causes.Any(c => (c.Field ?? "") == field && c.Message!.Contains(message, StringComparison.Ordinal)), verdict.Refusal?.Message ?? "it was allowed");
    }

    [Theory]
    [InlineData("spec.hostname", "\"web-1\"")]
    [InlineData("spec.startStrategy", "\"Paused\"")]
    [InlineData("spec.evictionStrategy", "\"LiveMigrateIfPossible\"")]
    [InlineData("spec.terminationGracePeriodSeconds", "0")]
    [InlineData("spec.domain.cpu", """{ "cores": 2, "sockets": 1, "threads": 2, "dedicatedCpuPlacement": true, "isolateEmulatorThread": true }""")]
    [InlineData("spec.domain.memory", """{ "guest": "1Gi", "hugepages": { "pageSize": "2Mi" } }""")]
    [InlineData("spec.domain.machine", """{ "type": "pc-q35-9.0" }""")]
    [InlineData("spec.domain.firmware", """{ "bootloader": { "efi": { "secureBoot": false } } }""")]
    [InlineData("spec.domain.devices.disks[0].disk.bus", "\"usb\"")]
    [InlineData("spec.domain.devices.disks[0].blockSize", """{ "custom": { "logical": 4096, "physical": 4096 } }""")]
    [InlineData("spec.domain.devices.disks", """[{ "name": "root", "disk": {} }, { "name": "empty", "cdrom": { "bus": "sata" } }]""")]
    [InlineData("spec.domain.devices.video", """{ "type": "virtio" }""")]
    [InlineData("spec.domain.devices.watchdog", """{ "name": "w", "i6300esb": { "action": "poweroff" } }""")]
    [InlineData("spec.domain.features", """{ "hyperv": { "synictimer": {}, "evmcs": {} } }""")]
    [InlineData("spec.readinessProbe", """{ "tcpSocket": { "port": 22 } }""")]
    [InlineData("spec.dnsConfig", """{ "nameservers": ["010.0.0.1", "fd00::1"], "searches": ["example.com"] }""")]
    [InlineData("metadata.labels", """{ "kubevirt.io/vm": "x" }""")]
    public async Task A_good_field_is_admitted(string path, string json)
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json));

        Assert.Null(verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("""[{ "name": "a", "pod": {} }, { "name": "b", "pod": {} }]""", "spec.interfaces", "more than one interface is connected to a pod network in spec.interfaces")]
    [InlineData("""[{ "name": "a", "pod": {} }, { "name": "b", "multus": { "networkName": "n", "default": true } }]""", "spec.networks", "Pod network cannot be defined when Multus default network is defined")]
    [InlineData("""[{ "name": "a", "pod": {} }, { "name": "b", "multus": { "networkName": "" } }]""", "spec.networks[1]", "CNI delegating plugin must have a networkName")]
    [InlineData("""[{ "name": "a", "pod": {} }, { "name": "a", "pod": {} }]""", "spec.networks[1].name", "Network with name \"a\" already exists, every network must have a unique name")]
    [InlineData("""[{ "name": "a" }, { "name": "b", "multus": { "networkName": "n" } }]""", "spec.networks[0]", "should have a network type")]
    public async Task Networks_must_make_sense_together(string networks, string field, string message)
    {
        var vmi = Objects.Vmi().Set("spec.networks", networks)
            .Set("spec.domain.devices.interfaces", """[{ "name": "a", "bridge": {} }, { "name": "b", "bridge": {} }]""");

        var (verdict, _) = await new AdmissionHarness().CreateAsync(vmi);

        Assert.Contains(verdict.Refusal?.Details?.Causes ?? [], c => c.Field == field && c.Message == message);
    }

    [Theory]
    [InlineData("""{ "model": "ne3000" }""", "model", "uses model ne3000 that is not supported.")]
    [InlineData("""{ "macAddress": "02:00:00:00:00:00" }""", "macAddress", "The requested MAC address is reserved for the in-pod bridge. Please choose another one.")]
    [InlineData("""{ "macAddress": "de:ad:00:00:be" }""", "macAddress", "has malformed MAC address (de:ad:00:00:be).")]
    [InlineData("""{ "macAddress": "de:ad:00:00:be:af:00:01" }""", "macAddress", "has too long MAC address (de:ad:00:00:be:af:00:01).")]
    [InlineData("""{ "pciAddress": "1" }""", "pciAddress", "has malformed PCI address (1).")]
    [InlineData("""{ "state": "sideways" }""", "state", "logical default interface state value is unsupported: sideways")]
    [InlineData("""{ "state": "absent" }""", "state", "\"default\" interface's state \"absent\" is supported only for bridge binding")]
    [InlineData("""{ "ports": [{ "port": 0 }] }""", "ports[0].port", "Port field is mandatory.")]
    [InlineData("""{ "ports": [{ "port": 70000 }] }""", "ports[0].port", "Port field must be in range 0 < x < 65536.")]
    [InlineData("""{ "ports": [{ "port": 1, "protocol": "SCTP" }] }""", "ports[0].protocol", "Unknown protocol, only TCP or UDP allowed")]
    [InlineData("""{ "ports": [{ "port": 1, "name": "a" }, { "port": 2, "name": "a" }] }""", "ports[1].name", "Duplicate name of the port: a")]
    [InlineData("""{ "portRanges": [{ "protocol": "TCP", "start": 1, "end": 2 }] }""", "name", "portRanges is specified on interface but the PortRangesSpec feature gate is not enabled")]
    [InlineData("""{ "dhcpOptions": { "ntpServers": ["::1"] } }""", "dhcpOptions.ntpServers[0]", "NTP servers must be a list of valid IPv4 addresses.")]
    public async Task An_interface_must_be_possible(string settings, string field, string message)
    {
        var nic = Objects.Parse(settings);
        nic["name"] = "default";
        nic["masquerade"] = Objects.Parse("{}");
        var vmi = Objects.Vmi().Set("spec.networks", """[{ "name": "default", "pod": {} }]""").Set("spec.domain.devices.interfaces", $"[{nic.ToJsonString()}]");

        var (verdict, _) = await new AdmissionHarness().CreateAsync(vmi);

        Assert.Contains(verdict.Refusal?.Details?.Causes ?? [], c => c.Field == $"spec.domain.devices.interfaces[0].{field}" && c.Message!.Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("HostDisk", "spec.volumes[0]", """{ "name": "root", "hostDisk": { "path": "/d", "type": "Disk" } }""")]
    [InlineData("HostDevices", "spec.domain.devices.hostDevices", """[{ "name": "h", "deviceName": "d" }]""")]
    [InlineData("VSOCK", "spec.domain.devices.autoattachVSOCK", "true")]
    [InlineData("Sidecar", "metadata.annotations", """{ "hooks.kubevirt.io/hookSidecars": "[]" }""")]
    [InlineData("ReservedOverheadMemlock", "spec.domain.memory.reservedOverhead", """{ "addedOverhead": "1Mi" }""")]
    public async Task An_open_gate_lets_its_feature_pass(string gate, string path, string json)
    {
        Assert.False((await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json))).Verdict.IsAllowed);
        Assert.True((await AdmissionHarness.With(gate).CreateAsync(Objects.Vmi().Set(path, json))).Verdict.IsAllowed);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task The_KubeVirt_objects_own_word_on_persistent_reservations_beats_the_gate(bool? said, bool isAllowed)
    {
        var harness = new AdmissionHarness { Config = ClusterConfig.Default with { EnabledGates = ["PersistentReservation"], PersistentReservation = said } };
        var vmi = Objects.Vmi().Set("spec.domain.devices.disks[0]", """{ "name": "root", "lun": { "bus": "scsi", "reservation": true } }""")
            .Set("spec.volumes[0]", """{ "name": "root", "persistentVolumeClaim": { "claimName": "c" } }""");

        Assert.Equal(isAllowed, (await harness.CreateAsync(vmi)).Verdict.IsAllowed);
    }

    [Fact]
    public async Task A_requirement_that_was_switched_off_ends_the_defaults_of_hyperv_and_each_problem_is_said()
    {
        var vmi = Objects.Vmi().Set("spec.domain.features", """{ "hyperv": { "evmcs": {}, "vapic": { "enabled": false }, "synictimer": {} } }""");

        var causes = (await new AdmissionHarness().CreateAsync(vmi)).Verdict.Refusal!.Details!.Causes!;

        const string path = "spec.domain.features.hyperv.domain.features.hyperv";
        Assert.Equal([$"{path}.evmcs", $"{path}.synictimer", "spec.domain.cpu.features"], causes.Select(c => c.Field));
    }

    [Fact]
    public async Task A_request_beyond_64_bits_is_the_largest_there_is_and_no_error_of_ours()
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set("spec.domain.resources", """{ "requests": { "memory": "100Ei" }, "limits": { "memory": "1Gi" } }"""));

        Assert.Contains("'9223372036854775807' is greater than", verdict.Refusal!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("QUJD", 700, 2)]
    [InlineData("QUJD", 10, 1)]
    public async Task Cloud_init_data_counts_up_to_where_it_stops_being_base64(string group, int times, int causes)
    {
        var data = string.Concat(Enumerable.Repeat(group, times)) + "!";
        var vmi = Objects.Vmi().Set("spec.volumes[0]", $$"""{ "name": "root", "cloudInitNoCloud": { "userDataBase64": "{{data}}" } }""");

        Assert.Equal(causes, (await new AdmissionHarness().CreateAsync(vmi)).Verdict.Refusal!.Details!.Causes!.Count);
    }

    [Fact]
    public async Task Only_ten_causes_are_shown_and_the_rest_is_counted()
    {
        var disks = string.Join(',', Enumerable.Range(0, 14).Select(i => $$"""{ "name": "d{{i}}", "disk": {} }"""));

        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set("spec.domain.devices.disks", $"[{disks}]"));

        Assert.Equal(10, verdict.Refusal!.Details!.Causes!.Count);
        Assert.EndsWith(", and 4 more validation errors", verdict.Refusal.Message);
    }
}
