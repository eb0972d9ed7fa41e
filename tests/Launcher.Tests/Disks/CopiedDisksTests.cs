using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Hotplug;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Disks;

public sealed class CopiedDisksTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("troupe-copied-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(null)]
    [InlineData(100)]
    [InlineData(1 << 22)]
    public void An_image_is_as_large_as_the_disk_that_is_copied_into_it(int? before)
    {
        var file = Path.Combine(_folder.FullName, "disk.img");
        if (before is { } bytes)
            File.WriteAllBytes(file, new byte[bytes]);
        CopiedDisks.MakeRoom(new CopiedVolume("data", 1 << 20, IsBlock: false, IsPlugged: false), file);
        Assert.Equal(1 << 20, new FileInfo(file).Length);
    }

    [Fact]
    public void A_file_system_without_room_is_refused_in_KubeVirts_words()
    {
        var file = Path.Combine(_folder.FullName, "disk.img");
        var error = Assert.Throws<IOException>(() => CopiedDisks.MakeRoom(new CopiedVolume("data", long.MaxValue / 2, IsBlock: false, IsPlugged: false), file));
        Assert.StartsWith("Volume migration cannot be performed because the destination volume is smaller than the source volume: volume data has ", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void A_disk_that_stays_in_the_same_place_of_the_pod_needs_no_other_XML()
    {
        var domain = Domain(Disk("data", "file", "/var/run/kubevirt-private/vmi-disks/data/disk.img"));
        Assert.Null(CopiedDisks.Redirect(domain, [new CopiedVolume("data", 1 << 20, IsBlock: false, IsPlugged: false)]));
    }

    [Fact]
    public void A_disk_that_comes_from_a_file_to_a_device_gets_only_its_own_part_of_it()
    {
        var domain = Domain(Disk("data", "file", "/var/run/kubevirt-private/vmi-disks/data/disk.img"), Disk("other", "file", "/other"));
        var redirected = CopiedDisks.Redirect(domain, [new CopiedVolume("data", 1 << 20, IsBlock: true, IsPlugged: false)])!;
        var disk = LiveDomain.Devices(redirected, "disk")["ua-data"];
        Assert.Equal(("block", "/dev/data"), (disk.Attribute("type")!.Value, disk.Element("source")!.Attribute("dev")!.Value));
        Assert.Equal($"{1 << 20}", disk.Element("source")!.Element("slices")!.Element("slice")!.Attribute("size")!.Value);
        Assert.Equal("/other", LiveDomain.Devices(redirected, "disk")["ua-other"].Element("source")!.Attribute("file")!.Value);
        Assert.Equal(1 << 20, LiveDomain.Volumes(redirected, new Dictionary<string, long?> { ["data"] = 1 << 30 }).First(v => v.Name == "data").SizeBytes);

        var back = CopiedDisks.Redirect(redirected, [new CopiedVolume("data", 1 << 20, IsBlock: false, IsPlugged: true)])!;
        Assert.Equal("<source file=\"/var/run/kubevirt/hotplug-disks/data.img\" />", LiveDomain.Devices(back, "disk")["ua-data"].Element("source")!.ToString());
    }

    [Fact]
    public void Memory_that_was_plugged_in_is_no_part_of_what_a_guest_was_started_with()
    {
        var domain = Domain();
        domain.AddFirst(XElement.Parse("<memory unit='KiB'>3145728</memory>"));
        domain.Element("devices")!.Add(XElement.Parse("<memory model='virtio-mem'><target><size unit='KiB'>1048576</size></target></memory>"));
        Assert.Equal(2L << 30, LiveDomain.BootBytes(domain));
    }

    private static XElement Domain(params XElement[] disks) => new("domain", new XElement("devices", disks.Select(d => new XElement(d))));

    private static XElement Disk(string name, string type, string file) => new("disk", new XAttribute("type", type),
        new XElement("source", new XAttribute("file", file), new XAttribute("index", 1)), new XElement("backingStore"), new XElement("target", new XAttribute("dev", $"vd{name[0]}")), new XElement("alias", new XAttribute("name", $"ua-{name}")));
}
