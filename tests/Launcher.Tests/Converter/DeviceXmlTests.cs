using System.Xml.Linq;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Disks;
using Troupe.Launcher.HostDevices;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Converter;

/// <summary>Parts of the spec that KubeVirt's recorded cases do not show.</summary>
public sealed class DeviceXmlTests
{
    [Theory]
    [InlineData("shared", 0, 1, "1 1 1")]
    [InlineData("auto", 0, 3, "1 2 3")]
    [InlineData("auto", 1, 3, "3 1 2")]
    [InlineData("auto", 0, 2, "1 2 1", "1")]
    [InlineData("supplementalPool", 0, 2, "1 2 1")]
    [InlineData(null, 1, 2, "2 1 1")]
    public void Disks_share_the_IO_threads_that_the_policy_gives_and_dedicated_ones_have_their_own(string? policy, int dedicated, int threads, string assigned, string cpus = "2")
    {
        var domain = new DomainSpec
        {
            Cpu = new CPU { Cores = 2 },
            Resources = new ResourceRequirements { Requests = new Dictionary<string, Quantity> { ["cpu"] = new(cpus) } },
            IoThreadsPolicy = policy,
            IoThreads = policy == "supplementalPool" ? new DiskIOThreads { SupplementalPoolThreadCount = 2 } : null,
            Devices = new Devices { Disks = [.. Enumerable.Range(0, 3).Select(i => new Disk { Name = $"d{i}", DedicatedIOThread = i < dedicated, DiskValue = new DiskTarget { Bus = "virtio" } })] },
        };
        var made = IoThreads.Of(domain)!;
        Assert.Equal(threads, made.Count);
        Assert.Equal(assigned, string.Join(' ', Enumerable.Range(0, 3).Select(i => made.ByDisk[$"d{i}"])));
    }

    [Fact]
    public void Multiqueue_gives_a_queue_for_each_CPU_to_disks_and_interfaces()
    {
        var xml = Build(
            d => d with
            {
                Cpu = new CPU { Cores = 4 },
                Devices = new Devices
                {
                    BlockMultiQueue = true,
                    NetworkInterfaceMultiqueue = true,
                    Disks = [new Disk { Name = "a", DiskValue = new DiskTarget { Bus = "virtio" } }],
                    Interfaces = [new Interface { Name = "n", Masquerade = new InterfaceMasquerade() }],
                },
            },
            new PreparedDisk("a", "vda", "/a", "raw"));
        Assert.Equal("4", xml.Descendants("disk").Single().Element("driver")!.Attribute("queues")!.Value);
        Assert.Equal("4", xml.Descendants("interface").Single().Element("driver")!.Attribute("queues")!.Value);
    }

    [Fact]
    public void A_disk_that_no_page_cache_can_be_passed_by_writes_through_and_a_block_device_is_opened_natively()
    {
        var xml = Build(
            d => d with { Devices = new Devices { Disks = [new Disk { Name = "a" }, new Disk { Name = "b", Lun = new LunTarget { Bus = "scsi", Reservation = true } }] } },
            new PreparedDisk("a", "sda", "/a", "raw") { HasDirectIo = false }, new PreparedDisk("b", "sdb", "/dev/b", "raw") { IsBlock = true });
        var disks = xml.Descendants("disk").ToList();
        Assert.Equal("writethrough", disks[0].Element("driver")!.Attribute("cache")!.Value);
        Assert.Equal(("lun", "block", "native"), (disks[1].Attribute("device")!.Value, disks[1].Attribute("type")!.Value, disks[1].Element("driver")!.Attribute("io")!.Value));
        Assert.NotNull(disks[1].Element("source")!.Element("reservations"));
    }

    [Fact]
    public void Host_devices_come_from_what_the_device_plugins_gave_to_the_pod()
    {
        var spec = new VirtualMachineInstanceSpec
        {
            Domain = new DomainSpec
            {
                Devices = new Devices
                {
                    Gpus = [new GPU { Name = "g", DeviceName = "nvidia.com/TU104" }],
                    HostDevices = [new HostDevice { Name = "stick", DeviceName = "kubevirt.io/storage" }],
                },
            },
        };
        var environment = new Dictionary<string, string> { ["PCI_RESOURCE_NVIDIA_COM_TU104"] = "0000:3b:00.0", ["USB_RESOURCE_KUBEVIRT_IO_STORAGE"] = "1:5" };
        var hostdevs = HostdevXml.Hostdevs(HostDeviceAssigner.Assign(spec, environment)).ToList();
        Assert.Equal("0x3b", hostdevs[0].Element("source")!.Element("address")!.Attribute("bus")!.Value);
        Assert.Equal(("usb", "5"), (hostdevs[1].Attribute("type")!.Value, hostdevs[1].Element("source")!.Element("address")!.Attribute("device")!.Value));
        Assert.Equal("spec.domain.devices.hostDevices", Assert.Throws<UnsupportedSpecException>(() => HostDeviceAssigner.Assign(spec, new Dictionary<string, string> { ["PCI_RESOURCE_NVIDIA_COM_TU104"] = "0000:3b:00.0" })).Field);
    }

    [Fact]
    public void A_guest_on_dedicated_CPUs_keeps_its_IO_threads_with_its_emulator_and_its_memory_by_NUMA_node()
    {
        var xml = DomainXml.Build(new DomainSource(
            Vmi(d => d with
            {
                Cpu = new CPU { Cores = 4, DedicatedCpuPlacement = true, IsolateEmulatorThread = true, Numa = new NUMA { GuestMappingPassthrough = new NUMAGuestMappingPassthrough() } },
                Memory = new Memory { Guest = new Quantity("256Mi"), Hugepages = new Hugepages { PageSize = "2Mi" } },
                IoThreadsPolicy = "shared",
                Devices = new Devices { Disks = [new Disk { Name = "a", DiskValue = new DiskTarget { Bus = "virtio" } }] },
            }),
            new LaunchContext(false, []), [new PreparedDisk("a", "vda", "/a", "raw")], [], new HostFacts { Cpus = [2, 3, 8, 9, 10], NumaNodes = new Dictionary<int, IReadOnlyList<int>> { [0] = [0, 1, 2, 3], [1] = [8, 9, 10, 11] } }));
        var tune = xml.Element("cputune")!;
        Assert.Equal(["2", "3", "8", "9"], tune.Elements("vcpupin").Select(p => p.Attribute("cpuset")!.Value));
        Assert.Equal("10", tune.Element("emulatorpin")!.Attribute("cpuset")!.Value);
        Assert.Equal("10", tune.Element("iothreadpin")!.Attribute("cpuset")!.Value);
        Assert.Equal(["0,1", "2,3"], xml.Element("cpu")!.Element("numa")!.Elements("cell").Select(c => c.Attribute("cpus")!.Value));
        Assert.Equal("0,1", xml.Element("numatune")!.Element("memory")!.Attribute("nodeset")!.Value);
    }

    [Theory]
    [InlineData("snp", "10.5.0", "sev-snp", "/u/OVMF.amdsev.fd")]
    [InlineData("tdx", "11.6.0", "tdx", "/u/OVMF.inteltdx.fd")]
    public void A_guest_with_encrypted_memory_is_made_for_a_libvirt_that_is_new_enough_with_a_firmware_of_its_own(string kind, string libvirt, string type, string firmware)
    {
        var vmi = Vmi(d => d with
        {
            LaunchSecurity = kind == "snp" ? new LaunchSecurity { Snp = new SEVSNP() } : new LaunchSecurity { Tdx = new TDX() },
            Firmware = new Firmware { Bootloader = new Bootloader { Efi = new EFI { SecureBoot = false } } },
        });
        vmi = vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { ["kubevirt.io/qgs-socket-path"] = "/run/qgs" } } };
        var host = new HostFacts { Libvirt = Version.Parse(libvirt), HasSev = true, SnpUefi = "/u/OVMF.amdsev.fd", TdxUefi = "/u/OVMF.inteltdx.fd" };
        var xml = Of(host);
        Assert.Equal((type, firmware, "rom"), (xml.Element("launchSecurity")!.Attribute("type")!.Value, xml.Element("os")!.Element("loader")!.Value, xml.Element("os")!.Element("loader")!.Attribute("type")!.Value));
        Assert.Null(xml.Element("os")!.Element("nvram"));
        Assert.Equal(kind == "snp" ? "0x30000" : null, xml.Element("launchSecurity")!.Element("policy")?.Value);
        Assert.Equal(kind == "tdx" ? "/run/qgs" : null, xml.Element("launchSecurity")!.Element("quoteGenerationService")?.Attribute("path")!.Value);
        Assert.Equal(kind == "snp", xml.Descendants("memballoon").Single().Element("driver")?.Attribute("iommu")?.Value == "on");
        Assert.Equal(kind == "tdx", xml.Element("features")!.Element("pmu") is not null);
        Assert.Contains("needs libvirt", Assert.Throws<UnsupportedSpecException>(() => Of(host with { Libvirt = new Version(9, 0, 0) })).Message, StringComparison.Ordinal);

        XElement Of(HostFacts facts) => DomainXml.Build(new DomainSource(vmi, new LaunchContext(false, []), [], [], facts));
    }

    [Fact]
    public void Functions_of_several_resources_go_to_the_networks_for_which_Multus_gave_them()
    {
        var spec = new VirtualMachineInstanceSpec
        {
            Domain = new DomainSpec { Devices = new Devices { Interfaces = [new Interface { Name = "red", Sriov = new InterfaceSRIOV() }, new Interface { Name = "blue", Sriov = new InterfaceSRIOV() }] } },
        };
        var environment = new Dictionary<string, string> { ["PCIDEVICE_A"] = "0000:65:00.1", ["PCIDEVICE_B"] = "0000:66:00.1" };
        Assert.Throws<TimeoutException>(() => HostDeviceAssigner.AssignSriov(spec, environment, NetworkInfoFile.Parse("")));
        var known = NetworkInfoFile.Parse("""{"interfaces":[{"network":"red","deviceInfo":{"pci":{"pci-address":"0000:66:00.1"} } },{"network":"blue","deviceInfo":{"pci":{"pci-address":"0000:65:00.1"} } }]}""");
        Assert.Equal([("sriov-red", "0000:66:00.1"), ("sriov-blue", "0000:65:00.1")], HostDeviceAssigner.AssignSriov(spec, environment, known).Select(d => (d.Alias, d.Address)));
        // All of one resource are alike.
        Assert.Equal(["0000:65:00.1", "0000:65:00.2"], HostDeviceAssigner.AssignSriov(spec, new Dictionary<string, string> { ["PCIDEVICE_A"] = "0000:65:00.1,0000:65:00.2" }, NetworkInfoFile.Parse("")).Select(d => d.Address));
    }

    [Fact]
    public void A_guest_reports_its_free_pages_unless_its_owner_or_the_cluster_does_not_want_it()
    {
        Assert.Equal("on", Reporting(Source));
        Assert.Equal("off", Reporting(Source with { ReportsFreePages = false }));
        var annotated = Source.Vmi with { Metadata = Source.Vmi.Metadata with { Annotations = new Dictionary<string, string> { ["kubevirt.io/free-page-reporting-disabled"] = "true" } } };
        Assert.Equal("off", Reporting(Source with { Vmi = annotated }));

        static string Reporting(DomainSource source) => DomainXml.Build(source).Descendants("memballoon").Single().Attribute("freePageReporting")!.Value;
    }

    [Theory]
    [InlineData(null, true, true)]
    [InlineData(null, false, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, false)]
    public void What_a_guest_writes_to_its_console_is_kept_as_its_spec_says_and_else_as_the_cluster_does(bool? spec, bool cluster, bool kept)
    {
        var source = Source with { Vmi = Vmi(d => d with { Devices = new Devices { LogSerialConsole = spec } }), LogsSerialConsole = cluster };
        Assert.Equal(kept, DomainXml.Build(source).Descendants("serial").Single().Element("log") is not null);
    }

    [Fact]
    public void Only_virtio_disks_take_a_thread_and_the_SCSI_controller_has_the_next_when_one_of_its_disks_asks()
    {
        var domain = new DomainSpec
        {
            IoThreadsPolicy = "auto",
            Resources = new ResourceRequirements { Requests = new Dictionary<string, Quantity> { ["cpu"] = new("2") } },
            Devices = new Devices
            {
                Disks =
                [
                    new Disk { Name = "a", DiskValue = new DiskTarget { Bus = "sata" } }, new Disk { Name = "b", DiskValue = new DiskTarget { Bus = "virtio" } },
                    new Disk { Name = "c", DiskValue = new DiskTarget { Bus = "scsi" }, DedicatedIOThread = true },
                ],
            },
        };
        Assert.Equal([("b", 1)], IoThreads.Of(domain)!.ByDisk.Select(d => (d.Key, d.Value)));
        Assert.Equal(2, IoThreads.OfScsi(domain));
        Assert.Null(IoThreads.OfScsi(domain with { Devices = domain.Devices with { Disks = [.. domain.Devices.Disks!.Take(2)] } }));
    }

    [Theory]
    [InlineData(1, false, "0 4 1 5", "2", 4)]
    [InlineData(2, false, "0 4 1 5", "2", 2)]
    [InlineData(2, true, "0 4 1 5", "2,6", 2)]
    public void Cores_of_the_guest_are_cores_of_the_host_and_the_emulator_has_what_comes_next(int threads, bool even, string vcpus, string emulator, int cores)
    {
        var vmi = Vmi(d => d with { Cpu = new CPU { Cores = cores, Threads = threads, DedicatedCpuPlacement = true, IsolateEmulatorThread = true } });
        vmi = even ? Annotated(vmi, "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity", "") : vmi;
        // Four cores of two threads each, CPU n and n + 4.
        var host = new HostFacts { Cpus = [0, 1, 2, 4, 5, 6], NumaNodes = Nodes((0, [0, 1, 2, 3, 4, 5, 6, 7])), Siblings = Enumerable.Range(0, 8).ToDictionary(c => c, c => (IReadOnlyList<int>)[c % 4, (c % 4) + 4]) };
        var tune = DomainXml.Build(Source with { Vmi = vmi, Host = host }).Element("cputune")!;
        Assert.Equal(vcpus, string.Join(' ', tune.Elements("vcpupin").Select(p => p.Attribute("cpuset")!.Value)));
        Assert.Equal(emulator, tune.Element("emulatorpin")!.Attribute("cpuset")!.Value);
    }

    [Fact]
    public void IO_threads_share_the_CPUs_of_the_guest_evenly_and_those_of_a_pool_have_their_own()
    {
        var host = new HostFacts { Cpus = [.. Enumerable.Range(0, 10)] };
        DomainSpec Spec(DomainSpec d) => d with { Cpu = new CPU { Cores = 8, DedicatedCpuPlacement = true } };
        IReadOnlyList<string> Pins(Func<DomainSpec, DomainSpec> change) =>
            [.. DomainXml.Build(Source with { Vmi = Vmi(d => change(Spec(d))), Host = host, Disks = [.. "abc".Select(n => new PreparedDisk($"{n}", $"vd{n}", "/f", "raw"))] }).Element("cputune")!.Elements("iothreadpin").Select(p => p.Attribute("cpuset")!.Value)];
        var disks = new Devices { Disks = [.. "abc".Select(n => new Disk { Name = $"{n}", DiskValue = new DiskTarget { Bus = "virtio" } })] };
        Assert.Equal(["0,1,2", "3,4,5", "6,7"], Pins(d => d with { IoThreadsPolicy = "auto", Devices = disks, Resources = new ResourceRequirements { Requests = new Dictionary<string, Quantity> { ["cpu"] = new("8") } } }));
        Assert.Equal(["8", "9"], Pins(d => d with { IoThreadsPolicy = "supplementalPool", IoThreads = new DiskIOThreads { SupplementalPoolThreadCount = 2 }, Devices = disks }));
    }

    [Fact]
    public void Threads_of_one_core_come_from_several_NUMA_nodes_only_where_the_guest_does_not_see_them()
    {
        var host = new HostFacts { Cpus = [0, 1], NumaNodes = Nodes((0, [0]), (1, [1])) };
        var vmi = Vmi(d => d with { Cpu = new CPU { Threads = 2, DedicatedCpuPlacement = true }, Memory = new Memory { Guest = new Quantity("64Mi"), Hugepages = new Hugepages { PageSize = "2Mi" } } });
        Assert.Equal(2, DomainXml.Build(Source with { Vmi = vmi, Host = host }).Element("cputune")!.Elements("vcpupin").Count());
        var mapped = vmi with { Spec = vmi.Spec! with { Domain = vmi.Spec.Domain! with { Cpu = vmi.Spec.Domain.Cpu! with { Numa = new NUMA { GuestMappingPassthrough = new NUMAGuestMappingPassthrough() } } } } };
        Assert.Contains("without crossing numa cell boundaries", Assert.Throws<UnsupportedSpecException>(() => DomainXml.Build(Source with { Vmi = mapped, Host = host })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_NUMA_cell_has_as_many_huge_pages_as_the_others_from_the_node_that_it_is_on()
    {
        DomainSource Guest(string memory, Hugepages? pages) => Source with
        {
            Vmi = Vmi(d => d with
            {
                Cpu = new CPU { Cores = 3, DedicatedCpuPlacement = true, Numa = new NUMA { GuestMappingPassthrough = new NUMAGuestMappingPassthrough() } },
                Memory = new Memory { Guest = new Quantity(memory), Hugepages = pages },
            }),
            Host = new HostFacts { Cpus = [0, 1, 2], NumaNodes = Nodes((0, [0, 1]), (1, [2])) },
        };
        var xml = DomainXml.Build(Guest("10Mi", new Hugepages { PageSize = "2Mi" }));
        Assert.Equal(["6291456", "4194304"], xml.Element("cpu")!.Element("numa")!.Elements("cell").Select(c => c.Attribute("memory")!.Value));
        Assert.Equal(["0", "1"], xml.Element("memoryBacking")!.Element("hugepages")!.Elements("page").Select(p => p.Attribute("nodeset")!.Value));
        Assert.Equal("immediate", xml.Element("memoryBacking")!.Element("allocation")!.Attribute("mode")!.Value);
        Assert.Contains("can't be divided", Assert.Throws<UnsupportedSpecException>(() => DomainXml.Build(Guest("11Mi", new Hugepages { PageSize = "2Mi" }))).Message, StringComparison.Ordinal);
        Assert.Contains("restricted to VMIs with hugepages", Assert.Throws<UnsupportedSpecException>(() => DomainXml.Build(Guest("10Mi", null))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_on_the_root_complex_have_KubeVirts_slots_and_those_that_a_guest_is_asked_to_have_stay()
    {
        var vmi = Annotated(Vmi(d => d with
        {
            Devices = new Devices
            {
                Rng = new Rng(),
                Disks = [new Disk { Name = "a", DiskValue = new DiskTarget { Bus = "virtio" } }, new Disk { Name = "b", DiskValue = new DiskTarget { Bus = "virtio", PciAddress = "0000:00:1e.0" } }],
            },
        }), "kubevirt.io/placePCIDevicesOnRootComplex", "true");
        var source = Source with { Vmi = vmi, Disks = [new PreparedDisk("a", "vda", "/a", "raw"), new PreparedDisk("b", "vdb", "/b", "raw")] };
        var devices = DomainXml.Build(source).Element("devices")!;
        string Slot(XElement device) => device.Element("address")!.Attribute("slot")!.Value;
        Assert.Equal(["0x02", "0x03", "0x04"], devices.Elements("controller").Select(Slot));
        Assert.Equal(["0x05", "0x1e"], devices.Elements("disk").Select(Slot));
        Assert.Equal(("0x06", "0x07"), (Slot(devices.Element("rng")!), Slot(devices.Element("memballoon")!)));
        Assert.DoesNotContain(HotplugPorts.Reserve(DomainXml.Build(source), source).Descendants("controller"), c => c.Attribute("model")?.Value is "pcie-root-port");
    }

    [Theory]
    [InlineData("kubevirt.io/disablePCIHole64", "True", "//controller[@model='pcie-root']/pcihole64[@unit='KiB'][.='0']")]
    [InlineData("kubevirt.io/ignitiondata", "{\"ignition\":{}}", "//*[local-name()='commandline']/*[@value='name=opt/com.coreos/config,file=/var/run/kubevirt-private/ignition/data.ign']")]
    public void An_annotation_changes_the_domain(string annotation, string value, string path)
    {
        Assert.Null(System.Xml.XPath.Extensions.XPathSelectElement(DomainXml.Build(Source), path));
        Assert.NotNull(System.Xml.XPath.Extensions.XPathSelectElement(DomainXml.Build(Source with { Vmi = Annotated(Source.Vmi, annotation, value) }), path));
    }

    [Theory]
    [InlineData("disk", false, true)]
    [InlineData("disk", true, false)]
    [InlineData("cdrom", false, false)]
    public void A_disk_gives_freed_blocks_back_but_for_one_that_was_allocated_whole_and_a_CD_made_of_data(string kind, bool preallocated, bool discards)
    {
        var vmi = Vmi(d => d with { Devices = new Devices { Disks = [kind == "disk" ? new Disk { Name = "a", DiskValue = new DiskTarget { Bus = "virtio" } } : new Disk { Name = "a", Cdrom = new CDRomTarget { Bus = "sata" } }] } });
        vmi = vmi with
        {
            Spec = vmi.Spec! with { Volumes = [new Volume { Name = "a", CloudInitNoCloud = new CloudInitNoCloudSource() }] },
            Status = new VirtualMachineInstanceStatus { VolumeStatus = [new VolumeStatus { Name = "a", PersistentVolumeClaimInfo = new PersistentVolumeClaimInfo { Preallocated = preallocated ? true : null } }] },
        };
        var driver = DomainXml.Build(Source with { Vmi = vmi, Disks = [new PreparedDisk("a", "vda", "/a", "raw")] }).Descendants("disk").Single().Element("driver")!;
        Assert.Equal(discards, driver.Attribute("discard") is not null);
    }

    [Fact]
    public void What_shares_a_guests_memory_has_it_as_a_file_whatever_the_annotation_says()
    {
        var shared = Annotated(Vmi(d => d with { Devices = new Devices { Filesystems = [new Filesystem { Name = "f" }] } }), "kubevirt.io/memfd", "false");
        shared = shared with { Spec = shared.Spec! with { Volumes = [new Volume { Name = "f", ConfigMap = new ConfigMapVolumeSource { Name = "c" } }] } };
        Assert.Equal("memfd", DomainXml.Build(Source with { Vmi = shared }).Element("memoryBacking")!.Element("source")!.Attribute("type")!.Value);
        var pages = Annotated(Vmi(d => d with { Memory = new Memory { Guest = new Quantity("128Mi"), Hugepages = new Hugepages { PageSize = "2Mi" } } }), "kubevirt.io/memfd", "false");
        Assert.Null(DomainXml.Build(Source with { Vmi = pages }).Element("memoryBacking")!.Element("source"));
    }

    [Fact]
    public void The_cluster_says_how_often_guests_report_their_memory_and_who_made_them()
    {
        var options = LauncherOptions.Parse(["--name", "a", "--namespace", "b", "--uid", "c", "--memory-stats-period", "0", "--smbios", """{"manufacturer":"Acme","sku":"7"}"""]);
        var xml = DomainXml.Build(Source with { BalloonPeriod = options.BalloonPeriod, Smbios = options.Smbios });
        Assert.Null(xml.Descendants("memballoon").Single().Element("stats"));
        var system = xml.Element("sysinfo")!.Element("system")!.Elements("entry").ToDictionary(e => e.Attribute("name")!.Value, e => e.Value);
        Assert.Equal(("Acme", "", "7"), (system["manufacturer"], system["product"], system["sku"]));
        Assert.Equal("10", DomainXml.Build(Source).Descendants("memballoon").Single().Element("stats")!.Attribute("period")!.Value);
        Assert.Contains("--smbios", Assert.Throws<ArgumentException>(() => LauncherOptions.Parse(["--name", "a", "--namespace", "b", "--uid", "c", "--smbios", "{"])).Message, StringComparison.Ordinal);
    }

    private static VirtualMachineInstance Annotated(VirtualMachineInstance vmi, string name, string value) => vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { [name] = value } } };

    private static Dictionary<int, IReadOnlyList<int>> Nodes(params (int Node, int[] Cpus)[] nodes) => nodes.ToDictionary(n => n.Node, n => (IReadOnlyList<int>)n.Cpus);

    private static DomainSource Source => new(Vmi(d => d), new LaunchContext(false, []), [], [], new HostFacts());

    private static XElement Build(Func<DomainSpec, DomainSpec> change, params IReadOnlyList<PreparedDisk> disks) => DomainXml.Build(new DomainSource(
        Vmi(change), new LaunchContext(true, [new PreparedInterface("n", "tap0", "k6t-eth0", "02:00:00:00:00:01", 1500, "10.0.2.2/24", "10.0.2.1", [], [], null, [])]), disks, [], new HostFacts()));

    private static VirtualMachineInstance Vmi(Func<DomainSpec, DomainSpec> change) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "11111111-2222-3333-4444-555555555555" },
        Spec = new VirtualMachineInstanceSpec { Domain = change(new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") } }) },
    };
}
