using System.Xml.Linq;
using Xunit;

namespace Troupe.Messages.Tests.Architecture;

/// <summary>The arrows between the rooms of the house, as its plan has them.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Messages"] = [],
        ["Kubernetes"] = ["Messages"],
        ["ControlPlane"] = ["Messages", "Kubernetes"],
        ["NodeActors"] = ["Messages", "Kubernetes"],
        ["Launcher"] = ["Messages"],
        ["Operators"] = ["Messages", "Kubernetes"],
        ["Manager"] = ["Messages", "Kubernetes"],
        ["Pbm"] = ["Messages"],
        ["DevCluster"] = [],
    };

    [Fact]
    public void A_room_uses_only_the_rooms_that_the_plan_lets_it_use()
    {
        foreach (var (room, project) in Rooms())
        {
            Assert.True(MayUse.TryGetValue(room, out var allowed), $"{room} is not in the plan");
            var used = XDocument.Load(project).Descendants("ProjectReference").Select(r => RoomOf(project, (string)r.Attribute("Include")!)).ToList();
            Assert.True(used.All(u => allowed!.Contains(u)), $"{room} uses {string.Join(", ", used.Except(allowed!))}");
        }
    }

    [Fact]
    public void The_launcher_and_what_it_uses_know_neither_remoting_nor_a_web_server()
    {
        // It is compiled ahead of time and runs once for each guest.
        foreach (var (room, project) in Rooms().Where(r => r.Room is "Launcher" or "Messages"))
        {
            var packages = XDocument.Load(project).Descendants().Where(e => e.Name.LocalName is "PackageReference" or "FrameworkReference").Select(e => (string)e.Attribute("Include")!);
            Assert.True(packages.All(p => p is "Akka"), $"{room} uses {string.Join(", ", packages)}");
        }
    }

    private static IEnumerable<(string Room, string Project)> Rooms() =>
        from folder in Directory.GetDirectories(Root())
        let room = Path.GetFileName(folder)
        where room is not "tests"
        from project in Directory.GetFiles(folder, "*.csproj")
        select (room, project);

    private static string RoomOf(string project, string reference) =>
        Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, reference.Replace('\\', '/')))))!;

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Troupe.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not inside the repository");
        return folder;
    }
}
