using System.Xml.Linq;

namespace Troupe.Launcher.Hotplug;

/// <summary>One call to libvirt that brings a running domain nearer to its spec.</summary>
internal abstract record DomainChange
{
    public sealed record Attach(XElement Device) : DomainChange
    {
        public override string ToString() => $"attach {LiveDomain.AliasOf(Device)}";
    }

    /// <param name="Alias">With its <c>ua-</c>.</param>
    public sealed record Detach(string Alias) : DomainChange
    {
        public override string ToString() => $"detach {Alias}";
    }

    public sealed record Update(XElement Device) : DomainChange
    {
        public override string ToString() => $"update {LiveDomain.AliasOf(Device)}";
    }

    public sealed record SetVcpus(int Count) : DomainChange;
}
