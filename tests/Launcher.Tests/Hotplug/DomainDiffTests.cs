using System.Xml.Linq;
using Troupe.Launcher.Hotplug;
using Xunit;

namespace Troupe.Launcher.Tests.Hotplug;

public sealed class DomainDiffTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_domain_that_is_as_its_spec_says_is_left_alone() => Assert.Empty(Diff(Domain(Disk("a", "sda"), Nic("n")), Domain(Disk("a", "sda"), Nic("n"))));

    [Fact]
    public void A_disk_that_comes_in_gets_a_name_that_no_other_has()
    {
        // The spec lost its first disk and got a new one: by counting, both would be sda.
        var changes = Diff(Domain(Disk("a", "sda"), Disk("b", "sdb")), Domain(Disk("b", "sda"), Disk("c", "sdb")));
        Assert.Equal("ua-a", Assert.IsType<DomainChange.Detach>(changes[0]).Alias);
        Assert.Equal("sdc", Assert.IsType<DomainChange.Attach>(changes[1]).Device.Element("target")!.Attribute("dev")!.Value);
        Assert.Equal(2, changes.Count);
    }

    [Fact]
    public void An_interface_whose_link_is_put_down_is_changed_in_place()
    {
        var down = Nic("n");
        down.Add(new XElement("link", new XAttribute("state", "down")));
        var update = Assert.IsType<DomainChange.Update>(Assert.Single(Diff(Domain(Nic("n")), Domain(down))));
        Assert.Equal("down", update.Device.Element("link")!.Attribute("state")!.Value);
    }

    [Fact]
    public void Network_functions_come_and_go_and_other_devices_of_the_host_stay()
    {
        var changes = Diff(Domain(Hostdev("gpu-g"), Hostdev("sriov-a")), Domain(Hostdev("gpu-h"), Hostdev("sriov-b")));
        Assert.Equal(["detach ua-sriov-a", "attach ua-sriov-b"], changes.Select(c => c.ToString()));
    }

    [Fact]
    public void CPUs_are_added_and_never_taken()
    {
        Assert.Equal(3, Assert.IsType<DomainChange.SetVcpus>(Assert.Single(Diff(Domain(), Domain(), vcpus: 3))).Count);
        Assert.Empty(Diff(Domain(), Domain(), vcpus: 1));
    }

    [Fact]
    public void Memory_comes_as_one_device_that_is_resized_afterwards()
    {
        var attach = Assert.IsType<DomainChange.Attach>(Assert.Single(Diff(Domain(), Domain(), memory: 192)));
        Assert.Equal($"{64 * MiB}", attach.Device.Element("target")!.Element("requested")!.Value);
        Assert.Equal($"{384 * MiB}", attach.Device.Element("target")!.Element("size")!.Value);
        var update = Assert.IsType<DomainChange.Update>(Assert.Single(Diff(Domain(attach.Device), Domain(), memory: 256)));
        Assert.Equal($"{128 * MiB}", update.Device.Element("target")!.Element("requested")!.Value);
        Assert.Empty(Diff(Domain(attach.Device), Domain(), memory: 192));
    }

    private static IReadOnlyList<DomainChange> Diff(XElement running, XElement wanted, long memory = 128, int vcpus = 2) =>
        DomainDiff.Of(running, wanted, 128 * MiB, memory * MiB, 512 * MiB, vcpus);

    private static XElement Domain(params XElement[] devices) =>
        new("domain", new XElement("vcpu", new XAttribute("current", 2), 4), new XElement("devices", devices.Select(d => new XElement(d))));

    private static XElement Disk(string name, string target) => new("disk", new XAttribute("device", "disk"), new XAttribute("type", "file"),
        new XElement("source", new XAttribute("file", $"/{name}")), new XElement("target", new XAttribute("dev", target)), Alias(name));

    private static XElement Hostdev(string name) => new("hostdev", Alias(name));

    private static XElement Nic(string name) => new("interface", Alias(name));

    private static XElement Alias(string name) => new("alias", new XAttribute("name", $"ua-{name}"));
}
