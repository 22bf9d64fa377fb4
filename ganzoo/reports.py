def finish(recipe, folder):
    print("done", folder)
def scores_line(m):
    return str(m)
