using Troupe.Launcher.Converter;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Converter;

public sealed class DomainXmlTests
{
    private static readonly LaunchContext Emulated = new(true, []);

    [Fact]
    public void A_guest_is_emulated_without_KVM_and_takes_its_size_from_the_spec()
    {
        var xml = Build(Vmi(d => d with { Cpu = new CPU { Sockets = 2, Cores = 3 } }));
        Assert.Equal("qemu", xml.Attribute("type")!.Value);
        Assert.Equal("default_demo", xml.Element("name")!.Value);
        Assert.Equal($"{128L << 20}", xml.Element("memory")!.Value);
        Assert.Equal("6", xml.Element("vcpu")!.Value);
        Assert.Equal("kvm", DomainXml.Build(new DomainSource(Vmi(d => d), new LaunchContext(false, []), [], [], new HostFacts())).Attribute("type")!.Value);
    }

    [Fact]
    public void Disks_get_their_names_by_bus_and_keep_their_order()
    {
        var vmi = Vmi(d => d with { Devices = new Devices { Disks = [Disk("a", "virtio"), Disk("b", "sata"), Disk("c", "virtio"), new Disk { Name = "d", Cdrom = new CDRomTarget(), BootOrder = 1 }] } });
        var targets = DiskTargets.Of(vmi.Spec!.Domain!);
        Assert.Equal(["vda", "sda", "vdb", "sdb"], new[] { "a", "b", "c", "d" }.Select(n => targets[n]));
        var xml = Build(vmi, [.. targets.Select(t => new PreparedDisk(t.Key, t.Value, $"/{t.Key}", "raw"))]);
        var cdrom = xml.Descendants("disk").Single(d => d.Attribute("device")!.Value == "cdrom");
        Assert.NotNull(cdrom.Element("readonly"));
        Assert.Equal("1", cdrom.Element("boot")!.Attribute("order")!.Value);
        Assert.Equal("ab", DiskTargets.Letters(27));
    }

    [Theory]
    [InlineData("spec.domain.launchSecurity.sev")]
    [InlineData("spec.domain.launchSecurity.tdx")]
    [InlineData("spec.domain.firmware.bootloader.efi")]
    [InlineData("spec.domain.devices.tpm")]
    [InlineData("spec.domain.devices.autoattachVSOCK")]
    [InlineData("spec.domain.cpu.dedicatedCpuPlacement")]
    public void What_this_host_cannot_do_is_refused_by_the_name_of_the_field(string field)
    {
        var vmi = Vmi(d => field switch
        {
            "spec.domain.launchSecurity.sev" => d with { LaunchSecurity = new LaunchSecurity { Sev = new SEV() } },
            "spec.domain.launchSecurity.tdx" => d with { LaunchSecurity = new LaunchSecurity { Tdx = new TDX() } },
            "spec.domain.devices.tpm" => d with { Devices = new Devices { Tpm = new TPMDevice() } },
            "spec.domain.devices.autoattachVSOCK" => d with { Devices = new Devices { AutoattachVSOCK = true } },
            "spec.domain.cpu.dedicatedCpuPlacement" => d with { Cpu = new CPU { DedicatedCpuPlacement = true } },
            _ => d with { Firmware = new Firmware { Bootloader = new Bootloader { Efi = new EFI { SecureBoot = false } } } },
        });
        Assert.Equal(field, Assert.Throws<UnsupportedSpecException>(() => Build(vmi)).Field);
    }

    [Fact]
    public void A_launcher_obeys_no_epoch_before_the_one_it_was_granted_and_starts_its_guest_only_once()
    {
        var launch = new LaunchDomain(2, Vmi(d => d), Emulated);
        var (state, first) = new LauncherState().Decide(launch, DomainState.NoDomain);
        Assert.Equal(Verdict.Act, first);
        Assert.Equal(Verdict.AlreadyDone, state.Decide(launch, DomainState.Running).Verdict);
        Assert.Equal(Verdict.AlreadyDone, state.Decide(launch, DomainState.Shutoff).Verdict);
        Assert.Equal(Verdict.Stale, state.Decide(launch with { Epoch = 1 }, DomainState.NoDomain).Verdict);
        Assert.Equal(Verdict.Stale, state.Decide(new DestroyDomain(1), DomainState.Running).Verdict);
        Assert.Equal(Verdict.NoDomain, state.Decide(new ShutdownDomain(2), DomainState.Shutoff).Verdict);
        Assert.Equal(Verdict.Act, state.NotStarted().Decide(launch, DomainState.NoDomain).Verdict);
    }

    private static System.Xml.Linq.XElement Build(VirtualMachineInstance vmi, params IReadOnlyList<PreparedDisk> disks) => DomainXml.Build(new DomainSource(vmi, Emulated, disks, [], new HostFacts()));

    private static Disk Disk(string name, string bus) => new() { Name = name, DiskValue = new DiskTarget { Bus = bus } };

    private static VirtualMachineInstance Vmi(Func<DomainSpec, DomainSpec> change) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "11111111-2222-3333-4444-555555555555" },
        Spec = new VirtualMachineInstanceSpec { Domain = change(new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") } }) },
    };
}
